"""Accuracy for classes that differ only in pitch: tones, and narrow bands of noise.

Sixteen classes from 500 Hz up, each 12 % (a whole tone) above the one before and 2 % wide. Level,
modulation and background noise are drawn for each recording and do not depend on the class. Eight
recordings of two seconds per class are used for training, eight for the test.

    python benchmarks/pitch.py
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stethoscope.classification.cross_validation import cross_validate
from stethoscope.classification.options import ClassFit, feature_of
from stethoscope.datasets.clips import Clip
from stethoscope.features.store import FeatureStore, FeatureWriter

RATE, SECONDS = 16_000, 2.0
CLASSES, RECORDINGS = 16, 8


def main() -> None:
    """Print a line per kind of sound and seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("tones", "bands"):
            store = simulate(kind, Path(folder) / kind)
            for seed in range(options.seeds):
                fit = ClassFit(epochs=options.epochs, validation_split=0.0, seed=seed, verbose=0)
                found = cross_validate(store, [clip.label for clip in store.clips], fit)
                accuracy = np.mean(
                    [
                        truth == answer
                        for truth, answer in zip(found.truth, found.predicted, strict=True)
                    ]
                )
                print(
                    f"{kind}  seed {seed}  {len(found.truth)} test clips  accuracy {accuracy:.3f}",
                    flush=True,
                )


def simulate(kind: str, folder: Path) -> FeatureStore:
    """Write the feature store of one kind of sound, in two folds."""
    rng, feature = np.random.default_rng(0), feature_of({"class_sample_rate": RATE})
    with FeatureWriter(folder) as writer:
        for place in range(CLASSES):
            for number in range(2 * RECORDINGS):
                samples = sound(kind, 500 * 1.12**place * rng.uniform(0.98, 1.02), rng)
                name = f"{place}-{number}"
                clip = Clip(
                    path=name,
                    recording=name,
                    label=f"class {place:02}",
                    fold=1 + number % 2,
                    source="simulated",
                )
                writer.add(clip, feature.extract(samples.astype(np.float32)))
        writer.finish(feature)
    return FeatureStore.open(folder)


def sound(kind: str, hertz: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a modulated tone, or noise within 7 % of it, with white background noise."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    if kind == "tones":
        samples = np.sin(2 * np.pi * hertz * time)
    else:
        spectrum = np.fft.rfft(rng.standard_normal(len(time)))
        spectrum[np.abs(np.fft.rfftfreq(len(time), 1 / RATE) / hertz - 1) > 0.07] = 0
        samples = np.fft.irfft(spectrum, len(time))
    samples *= 1 + rng.uniform(0, 0.8) * np.sin(2 * np.pi * rng.uniform(1, 6) * time)
    samples /= samples.std()
    background = 10 ** (rng.uniform(-25, -10) / 20) * rng.standard_normal(len(time))
    return 10 ** (rng.uniform(-40, -10) / 20) * (samples + background)


if __name__ == "__main__":
    main()
