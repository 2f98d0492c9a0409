"""False events per hour in sounds that the event detector does not know, over several seeds.

    python benchmarks/event_background.py bell_audacity_labels.zip esc10_urbansound_layout.zip

The detector is trained on the bells, without and with the folds 1 and 2 of the background archive.
The sound to test it on is made of fold 3: all its clips end to end, each at the level that bells of
the test recordings have, or up to 6 dB louder or softer. False events are counted in it as it is,
and with a bell of the test recordings added about every 45 s, at the level of the clip there
(matched level) or up to 6 dB louder or softer. The level is that of a whole clip, because a tenth
of the seconds of these clips are silent. The bells bring the background that they were recorded
with, which is louder than they are.
"""

import argparse
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from events import RATE, TOLERANCE, Samples, joined, read

from stethoscope.datasets.audacity import intervals_of, recordings_of
from stethoscope.datasets.background import background_clips
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.events.metrics import EventFigures, Stretch, event_figures
from stethoscope.events.model import NETWORKS, EventDetector
from stethoscope.events.options import EVENTS, EventFit, event_bands, event_fit
from stethoscope.events.train import train_events
from stethoscope.events.windows import LabelledWindows, score_part
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore

LEVELS = (0.0, 6.0)
"""By how many decibels the clips of the background may differ from the bells."""

ROUNDS = 3
"""How often all clips of the background are played, in another order and at other levels."""

COLUMNS = ("event F1", "alone/h", "mixed F1", "mixed/h", "+-6: /h", "mixed F1", "mixed/h")
HEAD = f"{'':<12}{'seed':>5}  {'network':<8}" + "".join(f"{text:>10}" for text in COLUMNS)

Mix = tuple[Samples, list[tuple[float, float]]]


@dataclass(frozen=True)
class Background:
    """Clips end to end: the sound, the sample after the end of every clip, and its level."""

    samples: Samples
    ends: list[int]
    levels: list[float]

    def level_at(self, sample: int) -> float:
        """Return the level of the clip there."""
        return self.levels[bisect_right(self.ends, sample)]


@dataclass(frozen=True)
class Sounds:
    """The labelled recordings, and the background by its folds."""

    archives: tuple[Path, Path]
    table: list[Clip]
    samples: dict[str, Samples]
    trained: list[Clip]
    kept: list[Samples]


def main() -> None:
    """Print a line per seed and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bells", type=Path)
    parser.add_argument("background", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--fold", type=int, default=3, help="that is kept apart (default: 3)")
    parser.add_argument("--only", choices=("without", "with"), help="one of the two")
    parser.add_argument("-p", action="append", default=[], metavar="name=value")
    options = parser.parse_args()
    given = dict(pair.split("=", 1) for pair in options.p)
    sounds = read_sounds(options.bells, options.background, options.fold)
    print(HEAD)
    for name in (options.only,) if options.only else ("without", "with"):
        with tempfile.TemporaryDirectory() as folder:
            measure(sounds, name, given, options.seeds, Path(folder))


def read_sounds(bells: Path, background: Path, fold: int) -> Sounds:
    """Read both archives; the given fold of the second is kept apart."""
    table = index([bells])
    folds = {clip.path: clip.fold for clip in index([background])}
    clips = background_clips([background])
    kept = [clip for clip in clips if folds[clip.path] == fold]
    return Sounds(
        (bells, background),
        table,
        read(bells, recordings_of(table)),
        [clip for clip in clips if folds[clip.path] != fold],
        list(read(background, kept).values()),
    )


def measure(sounds: Sounds, name: str, given: dict[str, str], seeds: int, folder: Path) -> None:
    """Print the lines of a training without or with background."""
    values = {
        **EVENTS.defaults,
        **{key: type(EVENTS.defaults[key])(value) for key, value in given.items()},
    }
    table = [*sounds.table, *(sounds.trained if name == "with" else ())]
    store = extract_features(
        sounds.archives[: 2 if name == "with" else 1],
        recordings_of(table),
        event_bands(values),
        folder / "store",
        min_frames=32,
        padded=True,
    )
    rows: dict[str, list[tuple[float, ...]]] = {network: [] for network in NETWORKS}
    for seed in range(seeds):
        fit = event_fit({**values, "seed": seed})
        started = time.process_time()
        trained = train_events(store, table, fit, folder / "model")
        seconds = time.process_time() - started
        for network in NETWORKS:
            detector = EventDetector.open(folder / "model", network)
            row = tuple(figures(sounds, store, table, fit, detector))
            rows[network].append(row)
            print(line(name, str(seed), network, row), flush=True)
        print(f"  {trained.parameters} parameters, {seconds:.0f} s of processor time")
    for network in NETWORKS:
        print(line(name, "mean", network, tuple(np.mean(rows[network], axis=0))), flush=True)


def line(name: str, seed: str, network: str, row: tuple[float, ...]) -> str:
    """Return a row of the table."""
    return f"{name:<12}{seed:>5}  {network:<8}" + "".join(f"{value:>10.3f}" for value in row)


def figures(
    sounds: Sounds, store: FeatureStore, table: list[Clip], fit: EventFit, detector: EventDetector
) -> Iterator[float]:
    """Yield the figures of a detector, in the order of the columns."""
    windows = LabelledWindows.cut(store, table, fit)
    [stretches], [one] = score_part(store, windows, "test", detector), detector.classes
    yield event_figures(stretches, one, TOLERANCE).f1
    clips = [store.clips[clip] for clip in np.unique(windows.clip[windows.of("test")])]
    spans = intervals_of(sounds.table)
    bells = [
        sounds.samples[clip.path][round(start * RATE) : round(end * RATE)]
        for clip in clips
        for start, end in spans[clip.source, clip.path]
    ]
    for spread in LEVELS:
        rng = np.random.default_rng(fit.seed)
        level = float(np.median([loudness(bell) for bell in bells]))
        alone = background_sound(sounds.kept, level, spread, rng)
        yield measured(detector, (alone.samples, [])).false_per_hour
        found = measured(detector, with_bells(alone, bells, spread, rng))
        yield from (found.f1, found.false_per_hour)


def measured(detector: EventDetector, mix: Mix) -> EventFigures:
    """Measure the events found in a sound."""
    samples, truth = mix
    scores = detector.scores(detector.feature.extract(samples))[:, 0]
    stretch = Stretch("mix", 0.0, len(samples) / RATE, np.zeros_like(scores), scores, truth)
    return event_figures([stretch], detector.classes[0], TOLERANCE)


def loudness(samples: Samples) -> float:
    """Return the root mean square of samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def background_sound(
    clips: list[Samples], level: float, spread: float, rng: np.random.Generator
) -> Background:
    """Return clips end to end, in random order, each of a level within `spread` dB of `level`."""
    parts, levels = [], []
    for which in np.concatenate([rng.permutation(len(clips)) for _ in range(ROUNDS)]):
        levels.append(level * 10 ** (rng.uniform(-spread, spread) / 20))
        gain = levels[-1] / max(loudness(clips[which]), 1e-6)
        parts.append((clips[which] * gain).astype(np.float32))
    ends = np.cumsum([len(part) for part in parts]).tolist()
    return Background(np.clip(joined(parts), -1, 1), ends, levels)


def with_bells(
    background: Background, bells: list[Samples], spread: float, rng: np.random.Generator
) -> Mix:
    """Return a sound with bells added to it about every 45 s, and where they are.

    A bell has the level of the clip that it is added to, or another that differs by at most
    `spread` dB.
    """
    samples = background.samples.copy()
    truth: list[tuple[float, float]] = []
    at = int(rng.uniform(5, 30) * RATE)
    while True:
        bell = bells[int(rng.integers(len(bells)))]
        if at + len(bell) > len(samples):
            return np.clip(samples, -1, 1), truth
        gain = background.level_at(at + len(bell) // 2) / loudness(bell)
        samples[at : at + len(bell)] += bell * gain * 10 ** (rng.uniform(-spread, spread) / 20)
        truth.append((at / RATE, (at + len(bell)) / RATE))
        at += int(rng.uniform(30, 60) * RATE)


if __name__ == "__main__":
    main()
