"""How well events are found, on recordings that were not trained on, over several seeds.

Besides the recordings as they are, the detectors judge sparse mixes: test recordings' backgrounds,
from which every event is cut, with single events of the test part mixed in at irregular times,
about one in 45 s.

    python benchmarks/events.py /path/to/bell_audacity_labels.zip --seeds 5
"""

import argparse
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.audacity import intervals_of, recordings_of
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.events.metrics import Stretch, event_figures, window_figures
from stethoscope.events.model import NETWORKS, EventDetector
from stethoscope.events.options import EventFit
from stethoscope.events.train import train_events
from stethoscope.events.windows import LabelledWindows, score_part
from stethoscope.features.extract import extract_features
from stethoscope.options import split_list
from stethoscope.sound.audio import load
from stethoscope.sound.bands import BandSpectrum

RATE = 16000
FADE = 0.02
VARIANTS = {
    "tiny": (BandSpectrum(), {}),
    "augmented": (BandSpectrum(), {"augmentation": True}),
    "variant": (
        BandSpectrum(n_bands=96),
        {"filters": (12, 12), "augmentation": True, "dropout": 0.2},
    ),
}
"""The field's teaching example, the same with more to learn from, and a network of at most four
times its size that hears up to 6 kHz.
"""

HEAD = "".join(
    [
        f"{'':<10}{'seed':>4}{'size':>7}  {'network':<8}{'window AUC':>11}",
        *(
            f"{text:>11}"
            for text in ("event F1", "false/h", "sparse F1", "false/h", "delay s", "train s")
        ),
    ]
)

Samples = npt.NDArray[np.float32]


def main() -> None:
    """Print a line per seed and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--minutes",
        type=float,
        default=30.0,
        help="length of the sparse mix of a seed (default: 30)",
    )
    parser.add_argument("--variants", default=",".join(VARIANTS))
    options = parser.parse_args()
    table = index([options.archive])
    sounds = read(options.archive, recordings_of(table))
    print(HEAD)
    for name in split_list(options.variants):
        feature, settings = VARIANTS[name]
        figures: dict[str, list[tuple[float, ...]]] = {network: [] for network in NETWORKS}
        with tempfile.TemporaryDirectory() as folder:
            store = extract_features(
                [options.archive],
                recordings_of(table),
                feature,
                Path(folder) / "store",
                min_frames=32,
            )
            for seed in range(options.seeds):
                started = time.perf_counter()
                fit = EventFit(seed=seed, **settings)  # type: ignore[arg-type]
                trained = train_events(store, table, fit, Path(folder) / "model")
                seconds = time.perf_counter() - started
                windows = LabelledWindows.cut(store, table, fit)
                tested = [store.clips[clip] for clip in np.unique(windows.clip[windows.of("test")])]
                samples, truth = sparse_mix(
                    [sounds[clip.path] for clip in tested],
                    [spans(table, clip) for clip in tested],
                    options.minutes,
                    seed,
                )
                for network in NETWORKS:
                    detector = EventDetector.open(Path(folder) / "model", network)
                    stretches = score_part(store, windows, "test", detector)
                    labels, scores = (
                        np.concatenate([getattr(s, part) for s in stretches])
                        for part in ("labels", "scores")
                    )
                    auc = window_figures(labels, scores, detector.threshold).auc or 0.0
                    dense = event_figures(stretches, detector, 0.3)
                    sparse = event_figures(
                        [
                            Stretch(
                                "mix",
                                0.0,
                                len(samples) / RATE,
                                labels,
                                detector.scores(feature.extract(samples)),
                                truth,
                            )
                        ],
                        detector,
                        0.3,
                    )
                    row = (
                        auc,
                        dense.f1,
                        dense.false_per_hour,
                        sparse.f1,
                        sparse.false_per_hour,
                        dense.delay or 0.0,
                        seconds,
                    )
                    figures[network].append(row)
                    print(line(name, str(seed), trained.parameters, network, row), flush=True)
        for network in NETWORKS:
            print(
                line(
                    name,
                    "mean",
                    trained.parameters,
                    network,
                    tuple(np.mean(figures[network], axis=0)),
                ),
                flush=True,
            )


def line(name: str, seed: str, size: int, network: str, row: tuple[float, ...]) -> str:
    """Return a row of the table."""
    auc, *rest = row
    return f"{name:<10}{seed:>4}{size:>7}  {network:<8}{auc:>11.4f}" + "".join(
        f"{value:>11.3f}" for value in rest
    )


def read(archive: Path, clips: list[Clip]) -> dict[str, Samples]:
    """Decode the recordings of an archive."""
    with open_archive(archive) as opened:
        return {
            name: load(content, sample_rate=RATE)[0]
            for name, content in opened.stream([c.path for c in clips])
            if isinstance(content, bytes)
        }


def spans(table: list[Clip], clip: Clip) -> list[tuple[float, float]]:
    """Return the events of a recording."""
    return intervals_of(table)[clip.source, clip.path]


def sparse_mix(
    recordings: list[Samples], events: list[list[tuple[float, float]]], minutes: float, seed: int
) -> tuple[Samples, list[tuple[float, float]]]:
    """Return a long sound with rare events, and where they are.

    Between events a recording's own background stands, pieced together from what lies outside its
    events, with short fades. An event is taken with the background it was recorded in.
    """
    rng = np.random.default_rng(seed)
    parts: list[Samples] = []
    truth: list[tuple[float, float]] = []
    total = 0
    while total < minutes * 60 * RATE:
        which = int(rng.integers(len(recordings)))
        samples, mine = recordings[which], events[which]
        gaps = [samples[round(a * RATE) : round(b * RATE)] for (_, a), (b, _) in pairwise(mine)]
        wanted, length = rng.uniform(30, 60) * RATE, 0
        while length < wanted:
            piece = gaps[int(rng.integers(len(gaps)))]
            parts.append(piece)
            length += len(piece)
        start, end = mine[int(rng.integers(len(mine)))]
        total += length
        truth.append((total / RATE, total / RATE + end - start))
        parts.append(samples[round(start * RATE) : round(end * RATE)])
        total += len(parts[-1])
    return joined(parts), truth


def joined(parts: list[Samples]) -> Samples:
    """Return sounds end to end; each fades in over the end of the one before, which is held, so
    that no click arises.
    """
    fade = round(FADE * RATE)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    out = [parts[0]]
    for before, part in pairwise(parts):
        mixed = part.copy()
        mixed[:fade] = ramp * part[:fade] + (1 - ramp) * before[-fade:][::-1]
        out.append(mixed)
    return np.concatenate(out)


if __name__ == "__main__":
    main()
