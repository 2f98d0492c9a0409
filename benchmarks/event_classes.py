"""Several classes of events in one model, on real sounds, over several seeds.

    python benchmarks/event_classes.py esc10_urbansound_layout.zip

The recordings are mixed from the clips of ESC-10: a minute of rain, waves, fire or a helicopter
each, with dogs and roosters in it. A part of a clip that is louder than the rest of it is an event,
if it lasts 0.3 to 3 s. Events are added three times each at random places, 0 to 12 dB above the
background, whatever sounds there already: some overlap. Clips of one source are all in one
recording, so that no source is in training and test. One model with a class for each label is
compared with a model for each label alone.
"""

import argparse
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from event_background import loudness
from events import RATE, Samples, joined, read

from stethoscope.datasets.audacity import recordings_of
from stethoscope.datasets.clips import Clip, write_clips
from stethoscope.datasets.layouts import index
from stethoscope.events.evaluate import evaluate_events, figures_by_class
from stethoscope.events.model import NETWORKS
from stethoscope.events.options import EVENTS, event_bands, event_fit
from stethoscope.events.train import train_events
from stethoscope.features.extract import extract_features

BACKGROUND = ("rain", "sea_waves", "fire_crackling", "helicopter")
RECORDINGS, SECONDS, TIMES = 12, 60.0, 3

_STEP = RATE // 50
_QUIET = 10 ** (-25 / 20)  # of the loudest step
_GAP = 0.2  # shorter silence does not end an event, in seconds
_LENGTHS = (0.3, 3.0)


@dataclass(frozen=True)
class Sounds:
    """The clips of every label, and the events in those that have some, by source."""

    background: list[Samples]
    events: dict[str, dict[str, list[Samples]]]


def main() -> None:
    """Print a line per seed and network, and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--labels", default="dog_bark,rooster")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="also a model for each label alone")
    parser.add_argument("-p", action="append", default=[], metavar="name=value")
    options = parser.parse_args()
    given = dict(pair.split("=", 1) for pair in options.p)
    labels = options.labels.split(",")
    with tempfile.TemporaryDirectory() as folder:
        write_recordings(read_sounds(options.archive, labels), Path(folder) / "mixed")
        chosen = [options.labels, *(labels if options.alone else ())]
        for one in chosen:
            measure(Path(folder), {**given, "event_labels": one}, options.seeds)


def read_sounds(archive: Path, labels: list[str]) -> Sounds:
    """Read background and events of an archive."""
    table = [clip for clip in index([archive]) if clip.label in (*labels, *BACKGROUND)]
    samples = read(archive, table)
    events: dict[str, dict[str, list[Samples]]] = {label: defaultdict(list) for label in labels}
    background = []
    for clip in table:
        if clip.label in BACKGROUND:
            background.append(samples[clip.path])
        else:
            events[clip.label][clip.recording] += active_parts(samples[clip.path])
    return Sounds(background, events)


def active_parts(samples: Samples) -> list[Samples]:
    """Return the parts of a clip that are louder than the rest."""
    steps = samples[: len(samples) // _STEP * _STEP].reshape(-1, _STEP)
    levels = np.sqrt(np.mean(np.square(steps, dtype=np.float64), axis=1))
    active = np.flatnonzero(levels > _QUIET * levels.max())
    ends = np.flatnonzero(np.diff(active) * _STEP > _GAP * RATE)
    parts = [
        samples[group[0] * _STEP : (group[-1] + 1) * _STEP] for group in np.split(active, ends + 1)
    ]
    return [part for part in parts if _LENGTHS[0] <= len(part) / RATE <= _LENGTHS[1]]


def write_recordings(sounds: Sounds, folder: Path) -> None:
    """Write recordings with label files."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(RECORDINGS):
        parts = [part / max(loudness(part), 1e-6) for part in sounds.background[number::RECORDINGS]]
        sound = np.resize(joined(parts), round(SECONDS * RATE)) * np.float32(0.03)
        lines = []
        for label, sources in sounds.events.items():
            events = [
                part for source in sorted(sources)[number::RECORDINGS] for part in sources[source]
            ]
            lines += add_events(sound, events * TIMES, label, rng)
        name = f"{number:02d}"
        soundfile.write(folder / f"audio_{name}.wav", np.clip(sound, -1, 1), RATE)
        (folder / f"labels_{name}.txt").write_text("".join(lines))


def add_events(
    sound: Samples, events: list[Samples], label: str, rng: np.random.Generator
) -> list[str]:
    """Add events of a class, which do not overlap each other; return the lines of labels."""
    room = round(len(sound) / max(len(events), 1))
    lines = []
    for place, event in enumerate(events):
        first = place * room + int(rng.integers(max(room - len(event) - _STEP, 1)))
        event = event[: len(sound) - first]
        gain = 0.03 * 10 ** (rng.uniform(0, 12) / 20) / loudness(event)
        sound[first : first + len(event)] += event * np.float32(gain)
        lines.append(f"{first / RATE:.4f}\t{(first + len(event)) / RATE:.4f}\t{label}\n")
    return lines


def measure(folder: Path, given: dict[str, str], seeds: int) -> None:
    """Print the figures of the classes that are given by ``event_labels``."""
    values = {
        **EVENTS.defaults,
        **{key: type(EVENTS.defaults[key])(value) for key, value in given.items()},
        "event_classes": "each",
    }
    labels = sorted(given["event_labels"].split(","))
    table: list[Clip] = index([folder / "mixed"])
    write_clips(folder / "clips.csv", table)
    store = extract_features(
        [folder / "mixed"],
        recordings_of(table),
        event_bands(values),
        folder / "store",
        min_frames=32,
    )
    rows: dict[str, list[list[float]]] = {network: [] for network in NETWORKS}
    print(f"{'':>6}  {'network':<8}" + "".join(f"{label:>14}" for label in (*labels, "all")))
    for seed in range(seeds):
        train_events(store, table, event_fit({**values, "seed": seed}), folder / "model")
        report = evaluate_events(
            folder / "store", folder / "clips.csv", folder / "model", folder / "results"
        )
        for network, figures in report["networks"].items():
            classes = figures_by_class(figures, labels)
            row = [classes[label]["test"]["events"]["f1"] for label in labels]
            row.append(figures["test"]["events"]["f1"])
            rows[network].append(row)
            print(_line(str(seed), network, row), figures["test"].get("confusion", ""), flush=True)
    for network in NETWORKS:
        print(_line("mean", network, list(np.mean(rows[network], axis=0))), flush=True)


def _line(seed: str, network: str, row: list[float]) -> str:
    return f"{seed:>6}  {network:<8}" + "".join(f"{value:>14.3f}" for value in row)


if __name__ == "__main__":
    main()
