"""Vectors per second of the autoencoder's training, beside Keras `fit` and the arithmetic's limit.

    python benchmarks/training_speed.py [--windows 65536] [--rounds 5] [--batch-size 512]

Interleaved in one run, on the GPU if TensorFlow finds one:

* Keras `fit` on windows that are stacked in memory, which here begins with gathering them;
* the training here, whose windows are gathered from a feature store on disk;
* the same without batch normalisation, with SGD instead of Adam, without the compiler XLA, and
  the gathering alone: what each of these takes;
* the matrix products of a step alone: no training is faster than these.

Printed are medians and the range over the rounds, by the clock and by processor time. By processor
time is how many vectors the processors would train if no other program used them and all were busy.
"""

import argparse
import functools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from timing import Figure, Rounds, in_turns

from stethoscope.detection.autoencoder.fit import build
from stethoscope.detection.autoencoder.windows import WindowBatches
from stethoscope.detection.options import FitOptions
from stethoscope.features.store import FeatureStore
from stethoscope.model.steps import Steps, ahead
from stethoscope.sound.logmel import LogMel

CONTEXT, BANDS, FRAMES_PER_CLIP = 5, 128, 313
ENOUGH_TO_COMPILE = 1_000_000
KERAS, HERE, WITHOUT_XLA = "Keras fit", "here", "  without XLA"
PRODUCTS = "matrix products alone"

Measure = Callable[[], object]


def open_store(folder: Path, windows: int) -> FeatureStore:
    """Return a store on disk with random frames of clips of 10 s."""
    per_clip = FRAMES_PER_CLIP - CONTEXT + 1
    clips = -(-windows // per_clip)
    path = folder / "frames.npy"
    frames = np.random.default_rng(0).standard_normal((clips * FRAMES_PER_CLIP, BANDS))
    np.save(path, frames.astype(np.float32))
    return FeatureStore(
        frames=np.load(path, mmap_mode="r"),
        clips=[],
        first_frame=np.arange(clips) * FRAMES_PER_CLIP,
        n_frames=np.full(clips, FRAMES_PER_CLIP),
        feature=LogMel(),
        skipped=[],
    )


def compiled(network: keras.Model, optimizer: str = "adam") -> keras.Model:
    """Return a network that is ready to be trained."""
    network.compile(optimizer, "mean_squared_error")
    network.optimizer.build(network.trainable_variables)
    return network


def without_normalisation() -> keras.Model:
    """Return the dense layers with ReLU of the network alone."""
    window = keras.Input((CONTEXT * BANDS,))
    values = window
    dense = [layer for layer in build(CONTEXT * BANDS).layers if hasattr(layer, "kernel")]
    for layer in dense[:-1]:
        values = keras.layers.Dense(layer.units, activation="relu")(values)
    return keras.Model(window, keras.layers.Dense(CONTEXT * BANDS)(values))


def epoch_here(network: keras.Model, batches: WindowBatches, *, compile_steps: bool) -> Measure:
    """Return what trains one epoch as the detector does."""
    expected = ENOUGH_TO_COMPILE if compile_steps else 0
    steps = Steps(network, network.train_step, expected=expected)

    def train() -> object:
        for given, wanted in ahead(batches):
            steps(given, wanted)
        return network.get_metrics_result()["loss"]

    return train


def epoch_of_keras(network: keras.Model, batches: WindowBatches, batch_size: int) -> Measure:
    """Return what trains one epoch by ``keras.Model.fit`` on windows in memory."""

    def train() -> object:
        gathered = [given.reshape(-1, given.shape[-1]) for given, _ in batches]
        windows = np.concatenate(gathered)
        return network.fit(windows, windows, batch_size=batch_size, verbose=0)

    return train


def matrix_products(network: keras.Model, batch_size: int, steps: int) -> Measure:
    """Return what computes the matrix products of steps: forward, and both gradients."""
    kernels = [tf.Variable(layer.kernel) for layer in network.layers if hasattr(layer, "kernel")]
    sizes = [kernels[0].shape[0], *(kernel.shape[1] for kernel in kernels)]
    values = [tf.Variable(tf.random.normal((batch_size, size))) for size in sizes]

    # Each product is kept in a variable, or it would be computed once for all steps.
    def products(count: Any) -> None:
        for _ in tf.range(count):
            for index, kernel in enumerate(kernels):
                values[index + 1].assign(tf.matmul(values[index], kernel))
            for index, kernel in reversed(list(enumerate(kernels))):
                gradient = tf.matmul(values[index], values[index + 1], transpose_a=True)
                if index:
                    values[index].assign(
                        tf.matmul(values[index + 1], kernel, transpose_b=True) * 1e-3
                    )
                kernel.assign(gradient * 1e-3)

    graph = tf.function(products, input_signature=[tf.TensorSpec((), tf.int32)])

    def compute() -> object:
        graph(steps)
        return kernels[0][0, 0].numpy()

    return compute


def flops_per_vector(network: keras.Model) -> int:
    """Return the multiplications and additions of a vector's products, forward and backward."""
    kernels = [layer.kernel for layer in network.layers if hasattr(layer, "kernel")]
    # No gradient is taken with respect to the input.
    return 6 * sum(int(np.prod(kernel.shape)) for kernel in kernels) - 2 * int(
        np.prod(kernels[0].shape)
    )


def measured(windows: int, rounds: int, batch_size: int) -> tuple[int, Rounds]:
    """Measure everything in turns; return how many windows an epoch has, and seconds per epoch.

    The quantities are ``clock`` and ``processor``, the processor time.
    """
    network = build(CONTEXT * BANDS)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder), windows)
        fit = FitOptions(batch_size=batch_size, epochs=1_000)
        clips = np.arange(len(store.n_frames))
        batches = WindowBatches(store, clips, CONTEXT, fit, training=True)
        windows = int((store.n_frames - CONTEXT + 1).sum())
        trained = {
            HERE: (build(CONTEXT * BANDS), "adam", True),
            "  without batch normalisation": (without_normalisation(), "adam", True),
            "  with SGD instead of Adam": (build(CONTEXT * BANDS), "sgd", True),
            WITHOUT_XLA: (build(CONTEXT * BANDS), "adam", False),
        }
        measures: dict[str, Measure] = {
            KERAS: epoch_of_keras(compiled(build(CONTEXT * BANDS)), batches, batch_size)
        }
        for name, (made, optimizer, by_xla) in trained.items():
            measures[name] = epoch_here(compiled(made, optimizer), batches, compile_steps=by_xla)
        measures["gathering windows alone"] = lambda: [len(given) for given, _ in batches]
        measures[PRODUCTS] = matrix_products(network, batch_size, windows // batch_size)
        for one in measures.values():
            one()  # traces and compiles
        sides = {name: functools.partial(_timed, one) for name, one in measures.items()}
        return windows, in_turns(sides, rounds)


def _timed(measure: Measure) -> dict[str, float]:
    clock, processor = time.perf_counter(), time.process_time()
    measure()
    return {"clock": time.perf_counter() - clock, "processor": time.process_time() - processor}


def figures(*, quick: bool) -> list[Figure]:
    """Return vectors per second beside those of Keras `fit`."""
    windows, found = measured(*((8_192, 1) if quick else (65_536, 3)), 512)
    rates = {name: [windows / one for one in found[name]["clock"]] for name in found}
    return [
        Figure(
            key=key,
            text=f"vectors per second, {name.strip()}",
            unit="1/s",
            ours=rates[name],
            reference=rates[KERAS],
            more_is_better=True,
        )
        for key, name in (("here", HERE), ("without_xla", WITHOUT_XLA), ("products", PRODUCTS))
    ]


def print_table(windows: int, found: Rounds) -> None:
    """Print a row per measure."""
    cores = os.cpu_count() or 1
    reference = statistics.median(found[KERAS]["clock"])
    print(f"{'vectors per second':<34}{'median':>10}{'range':>20}{'/ fit':>8}{'by processor':>14}")
    for name, taken in found.items():
        clocks = taken["clock"]
        median = statistics.median(clocks)
        spread = f"{windows / max(clocks):,.0f} - {windows / min(clocks):,.0f}"
        busy = windows * cores / statistics.median(taken["processor"])
        ratio = reference / median
        print(f"{name:<34}{windows / median:>10,.0f}{spread:>20}{ratio:>8.2f}{busy:>14,.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--windows", type=int, default=65_536)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=512)
    options = parser.parse_args()
    graphics = [
        tf.config.experimental.get_device_details(one).get("device_name", one.name)
        for one in tf.config.list_physical_devices("GPU")
    ]
    print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, GPU: "
        f"{', '.join(graphics) or 'none'}; "
        f"{flops_per_vector(build(CONTEXT * BANDS)) / 1e6:.2f} million operations of products "
        "per vector"
    )
    print_table(*measured(options.windows, options.rounds, options.batch_size))


if __name__ == "__main__":
    main()
