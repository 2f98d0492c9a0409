"""Instructions of the parts of exported C, counted by QEMU, from which an export computes its time.

    python benchmarks/edge_costs.py FOLDER [more folders]

Every layer, the front end, a decision and the parts of a block's score run one by one, on noise.
What is printed is `COSTS` of `stethoscope/edge/c/cost.py`: the instructions per operation that fit
all folders best. Give folders of all kinds, and of several sizes. Needs what `edge_instructions.py`
needs.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from edge_instructions import CORES, HARNESS, emulate
from scipy.optimize import nnls

from stethoscope.edge.c.cost import (
    Operations,
    bands_operations,
    coarse_operations,
    fft_operations,
    layer_operations,
    mel_operations,
    rhythm_operations,
    transform_operations,
)
from stethoscope.edge.c.layers import Layer

Samples = list[tuple[Operations, float]]
"""Operations of a part, and the instructions that it took."""

_KINDS = ("convolution", "max_pool", "average_pool", "lookup")

_COUNT = """
static int16_t frame_pcm[FRAME_SIZE];
static float values[2 * FRAME_SIZE + SPECTRUM_SIZE], work[FRAME_SIZE];
#define COUNT(times, statement) \\
    do { \\
        const uint32_t began = now(); \\
        for (int time = 0; time < (times); time++) { statement; } \\
        print((now() - began) * INSTRUCTIONS_PER_TICK / (times)); \\
    } while (0)
"""
_FRONT_END = """
    begin_timer();
    make(frame_pcm, FRAME_SIZE);
    for (int i = 0; i < FRAME_SIZE; i++) { work[i] = frame_pcm[i]; }
    COUNT(1, fft_energies(work));
#ifdef MEL_BANDS
    COUNT(1, frontend_bands(frame_pcm, values, work));
#else
    COUNT(1, frontend_frame(frame_pcm, values, work));
#endif
    COUNT(1, memmove(frame_pcm, frame_pcm + FRAME_SIZE / 2, FRAME_SIZE));
    volatile float base = 1234.5f;
    COUNT(1, for (int i = 0; i < 100; i++) { values[i] = powf(base, 0.75f); });
"""
_NETWORK = (
    '#include "network.c"\n#include "frontend.h"\n#include "fft.h"\n'
    + _COUNT
    + """
#ifdef CLIP_SAMPLES
#include "decision.h"
static int8_t input[INPUT_SIZE];
#endif
static network_t network;
static int8_t output[OUTPUT_SIZE];
int main(void) {
"""
    + _FRONT_END
    + """
    for (int i = 0; i < LAYER_COUNT; i++) {
        const layer_t *layer = &LAYERS[i];
        const int8_t *from = i ? network.buffers[i & 1] : (const int8_t *)values;
        print((uint32_t)layer->kind);
        const int *sizes = &layer->in_h;
        for (int k = 0; k < 10; k++) { print((uint32_t)sizes[k]); }
        print((uint32_t)layer->pad_h);
        print((uint32_t)layer->pad_w);
        COUNT(1, run_layer(&network, layer, from, network.buffers[i + 1 & 1]));
    }
#ifdef CLIP_SAMPLES
    detector_init(&detector);
    make(clip, SAMPLES);
    COUNT(1, frontend_values(work, 0.0f, values));
    COUNT(1, detector_frame(&detector, clip, SAMPLES, 8, 0.0f));
    COUNT(1, for (int k = 0; k < SPECTRUM_SIZE; k++) {
        input[k] = network_quantise((values[k] - SPECTRUM_MEANS[k]) / SPECTRUM_STDS[k]);
    });
#else
    detector_init(&detector, 0, 0, 0);
    COUNT(1, detector_quantise(values, (int8_t *)work));
    COUNT(50, decision_take(&detector, output); output[0] = (int8_t)(state += 77));
#endif
    return 0;
}
"""
)
_POOLED = (
    '#include "pooling.c"\n#include "frontend.h"\n#include "fft.h"\n'
    + _COUNT
    + """
static uint8_t *levels = detector.levels;
int main(void) {
    pooling_t *pooling = &detector.work.pooling;
"""
    + _FRONT_END
    + """
    detector_init(&detector, 0, 0);
    for (int i = 0; i < 40 + FRAME_SIZE / FRAME_STRIDE; i++) {
        make(frame_pcm, FRAME_STRIDE);
        detector_feed(&detector, frame_pcm, FRAME_STRIDE);
    }
    COUNT(1, detector_feed(&detector, frame_pcm, FRAME_STRIDE));
    for (int i = 0; i < BLOCK_FRAMES * MEL_BANDS; i++) {
        state = state * 1664525u + 1013904223u;
        levels[i] = (uint8_t)(state >> 24);
    }
    const int size = group_size(MEL_BANDS, COARSE_BANDS, 0);
    COUNT(1, pool_coarse(pooling, levels, BLOCK_FRAMES));
    COUNT(1, add_frames((int32_t *)work, levels, 8, 1));
    compute_segments(pooling, levels, BLOCK_FRAMES, 1.0f);
    COUNT(1, squared_distance(VIEW_MEAN, pooling->segment, 0, pooling->centred));
    COUNT(1, begin_transform(pooling, BLOCK_FRAMES));
    COUNT(1, fold(pooling, levels, BLOCK_FRAMES, 0));
    for (int k = 1; k < size; k++) { fold(pooling, levels + k, BLOCK_FRAMES, k); }
    COUNT(1, transform(pooling, BLOCK_FRAMES, size, 1.0f));
    COUNT(1, add_prominence(pooling, BLOCK_FRAMES, pooling->power, pooling->halves));
    for (int i = 0; i < RHYTHM_SIZE / RHYTHMS; i++) {
        add_prominence(pooling, BLOCK_FRAMES, pooling->power, pooling->halves + i * LINES);
    }
    COUNT(1, compute_halves(pooling, BLOCK_FRAMES));
    return 0;
}
"""
)


def constants_of(folder: Path) -> dict[str, int]:
    """Return the whole numbers among the constants of a folder."""
    text = (folder / "src/model.h").read_text()
    return {name: int(value) for name, value in re.findall(r"#define (\w+) (\d+)u?\b", text)}


def parts_of(folder: Path, core: str) -> Samples:
    """Run the parts of a folder one by one."""
    constants = constants_of(folder)
    pooled = "BLOCK_SAMPLES" in constants
    source, text = ("pooling.c", _POOLED) if pooled else ("network.c", _NETWORK)
    numbers, _ = emulate(folder, HARNESS + text, core, "-O2", (source,))
    found = iter(numbers)
    front_end = list(_front_end(constants, found))
    bands = sum(count for _, count in front_end[:2])
    moved = front_end[2][1]
    rest = _block(constants, found, bands + moved) if pooled else _network(constants, found, bands)
    return front_end + rest


def _front_end(
    constants: dict[str, int], found: Iterator[int]
) -> Iterator[tuple[Operations, float]]:
    n_fft = constants["FRAME_SIZE"]
    transform = next(found)
    yield fft_operations(n_fft), transform
    if "MEL_BANDS" in constants:
        operations = mel_operations(n_fft, constants["MEL_BANDS"])
    else:
        operations = bands_operations(n_fft, constants["SPECTRUM_SIZE"])
    yield operations, next(found) - transform
    yield {"byte that is moved": n_fft}, next(found)
    yield {"power of a bin": 100}, next(found)


def _network(constants: dict[str, int], found: Iterator[int], bands: float) -> Samples:
    samples: Samples = []
    for _ in range(constants["LAYER_COUNT"]):
        kind, *sizes = (next(found) for _ in range(13))
        in_h, in_w, in_c, out_h, out_w, out_c, *rest = sizes
        kernel, stride, pad = ((rest[at], rest[at + 1]) for at in (0, 2, 4))
        layer = Layer(_KINDS[kind], (in_h, in_w, in_c), (out_h, out_w, out_c), kernel, stride, pad)
        samples.append((layer_operations(layer), next(found)))
    size, outputs = constants["SPECTRUM_SIZE"], constants["OUTPUT_SIZE"]
    if "CLIP_SAMPLES" not in constants:
        samples.append(({"value that is quantised": size}, next(found)))
        decision = (
            {"candidate for an event": constants["EVENT_LENGTHS"]}
            if "EVENT_LENGTHS" in constants
            else {"error of an output": outputs}
        )
        return [*samples, (decision, next(found))]
    products = size * constants["MEL_BANDS"] if "CEPSTRA" in constants else 0
    values, frame, normalised = (next(found) for _ in range(3))
    return [
        *samples,
        ({"product of a cosine transform": products} if products else {}, values),
        ({"sample of a clip": constants["FRAME_SIZE"]}, frame - values - bands),
        ({"value that is normalised": size}, normalised),
    ]


def _block(constants: dict[str, int], found: Iterator[int], frame: float) -> Samples:
    frames, bands, coarse = (constants[k] for k in ("BLOCK_FRAMES", "MEL_BANDS", "COARSE_BANDS"))
    size = -(-bands // coarse)
    rounded = next(found) - frame
    parts = (
        coarse_operations(frames, coarse, constants["SEGMENT_FRAMES"]),
        {"level of a segment": 8 * bands},
        {"weight of a factor": coarse * (coarse + 1) // 2},
        {"angle": frames},
        {"level that is folded": frames},
        transform_operations(frames, (size,)),
        {"line of a band": frames // 2},
        rhythm_operations(frames, constants["RHYTHMS"], 2),
    )
    return [({"level that is rounded": bands}, rounded), *((one, next(found)) for one in parts)]


def fit(samples: Sequence[tuple[Operations, float]]) -> dict[str, float]:
    """Return instructions per operation: the smallest relative errors, none below zero."""
    names = sorted({name for operations, _ in samples for name in operations})
    used = [(one, count) for one, count in samples if one and count > 400]
    rows = np.array([[one.get(name, 0) / count for name in names] for one, count in used])
    found, _ = nnls(rows, np.ones(len(rows)))
    return dict(zip(names, found, strict=True))


def main() -> None:
    """Print the costs for both cores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    options = parser.parse_args()
    for core in CORES:
        samples = [one for folder in options.folders for one in parts_of(folder, core)]
        costs = fit(samples)
        print(f"{core}:")
        for name, value in costs.items():
            print(f'    "{name}": {float(f"{value:.3g}"):g},')
        for operations, count in samples:
            said = sum(costs[name] * times for name, times in operations.items())
            if sum(operations.values()) > 50 and abs(said / count - 1) > 0.1:
                print(f"    # {count} and not {said:.0f}: {dict(operations)}")


if __name__ == "__main__":
    main()
