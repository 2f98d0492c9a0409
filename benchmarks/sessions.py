"""False alarms in recording sessions without training clips, by how many were trained on.

    python benchmarks/sessions.py
    python benchmarks/sessions.py --ids 3 --seeds 2

Machines are simulated, other ones for every seed, that run at another speed and load and in front
of another background in every recording session. A detector is trained on the first sessions of
each, and decides on clips of other sessions. The table has the fraction of normal clips above the
threshold (mean ± standard deviation over machines), the fraction of anomalous clips found, and both
after the threshold was re-centred on 12 normal clips of the session that is decided on; these
clips are not counted. "One faulty" is the same with an anomalous clip among the 12.
"""

import argparse
import contextlib
import io
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.machine import MACHINES
from stethoscope.detection.detector import make_detector
from stethoscope.detection.evaluate import normal_thresholds
from stethoscope.detection.normal_scores import score_clips
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.recentring import recentre
from stethoscope.detection.thresholds import Thresholds
from stethoscope.detection.train import train_detector
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel

SESSIONS = (1, 2, 3, 5, 8)
CLIPS = 12  # normal training clips of a session, and clips that a threshold is re-centred on
TEST_SESSIONS = 3
TEST_CLIPS = 2 * CLIPS  # normal ones of a session
TEST_ANOMALIES = 7  # of a session; the first is the faulty one among those re-centred on

Scored = list[tuple[Clip, float]]


@dataclass
class Alarms:
    """Fractions of one machine's clips above its threshold.

    Attributes
    ----------
    false_alarms, found : dict of str to float
        By how the threshold was set: ``fitted``, ``re-centred``, ``one faulty``.
    """

    false_alarms: dict[str, float]
    found: dict[str, float]


def store_of(machine: str, seed: int, arguments: argparse.Namespace, folder: Path) -> FeatureStore:
    """Simulate machines and return their feature store."""
    archive = folder / "set.zip"
    simulate_archive(
        archive,
        machine=machine,
        seed=seed,
        snr_db=arguments.snr_db,
        ids=arguments.ids,
        seconds=arguments.seconds,
        sessions=max(SESSIONS),
        test_sessions=TEST_SESSIONS,
        train_clips=max(SESSIONS) * CLIPS,
        test_normal=TEST_SESSIONS * TEST_CLIPS,
        test_anomaly=TEST_SESSIONS * TEST_ANOMALIES,
    )
    return extract_features([archive], index([archive]), LogMel(), folder / "store", min_frames=5)


def with_sessions(store: FeatureStore, number: int) -> FeatureStore:
    """Return the store with the training clips of so many sessions; the others are not used."""
    clips = [
        replace(clip, condition="unknown")
        if clip.split == "train" and int(clip.session) >= number
        else clip
        for clip in store.clips
    ]
    return replace(store, clips=clips)


def alarms(store: FeatureStore, detector: str, seed: int, folder: Path) -> Iterator[Alarms]:
    """Train a detector on a store and yield the alarms of each machine."""
    fit = FitOptions(verbose=0, seed=seed)
    train_detector(
        store,
        make_detector(DetectorOptions(name=detector), fit),
        folder / "model",
        validation_split=fit.validation_split,
        seed=seed,
    )
    thresholds, _ = normal_thresholds(folder / "model", 0.1)
    test = store.where(lambda clip: clip.split == "test")
    scores = score_clips(folder / "model", store, test)
    machines: defaultdict[str, Scored] = defaultdict(list)
    for clip, score in zip(test, scores, strict=True):
        machines[store.clips[clip].machine].append((store.clips[clip], score))
    for machine, scored in machines.items():
        sessions = sorted({clip.session for clip, _ in scored})
        parts = [
            in_session([one for one in scored if one[0].session == session], thresholds, machine)
            for session in sessions
        ]
        yield Alarms(
            mean_of([part.false_alarms for part in parts]), mean_of([part.found for part in parts])
        )


def in_session(scored: Scored, thresholds: Thresholds, machine: str) -> Alarms:
    """Return the alarms of a machine's clips of one session."""
    normal = [score for clip, score in scored if clip.condition == "normal"]
    anomalous = [score for clip, score in scored if clip.condition == "anomaly"]
    given = {"re-centred": normal[:CLIPS], "one faulty": [*normal[: CLIPS - 1], anomalous[0]]}
    ways = {"fitted": thresholds}
    for way, clips in given.items():
        scores = {str(number): score for number, score in enumerate(clips)}
        change = recentre(thresholds.normal_scores(machine), scores, date="")
        ways[way] = replace(thresholds, recentred={machine: change})
    return Alarms(
        {way: share_above(one, normal[CLIPS:], machine) for way, one in ways.items()},
        {way: share_above(one, anomalous[1:], machine) for way, one in ways.items()},
    )


def share_above(thresholds: Thresholds, scores: list[float], machine: str) -> float:
    """Return the fraction of scores above the machine's threshold."""
    return statistics.mean(thresholds.decide(score, machine) for score in scores)


def mean_of(parts: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of dictionaries, by key."""
    return {key: statistics.mean(part[key] for part in parts) for key in parts[0]}


def print_rows(results: Mapping[int, list[Alarms]]) -> None:
    """Print a row per number of sessions."""
    print(
        "| sessions | false alarms | found | false alarms, re-centred | found | false alarms, one "
        "faulty | found |\n|---|---|---|---|---|---|---|"
    )
    for number, machines in results.items():
        cells = []
        for way in machines[0].found:
            false = [machine.false_alarms[way] for machine in machines]
            found = statistics.mean(machine.found[way] for machine in machines)
            cells += [f"{statistics.mean(false):.2f} ± {statistics.pstdev(false):.2f}"]
            cells += [f"{found:.2f}"]
        print(f"| {number} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--machines", nargs="+", choices=list(MACHINES), default=list(MACHINES))
    parser.add_argument("--detector", default="pooled-gmm")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ids", type=int, default=1, help="machines that share a model")
    parser.add_argument("--snr-db", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a clip")
    arguments = parser.parse_args()
    results: dict[int, list[Alarms]] = {number: [] for number in SESSIONS}
    for machine in arguments.machines:
        for seed in range(arguments.seeds):
            with (
                tempfile.TemporaryDirectory() as scratch,
                contextlib.redirect_stderr(io.StringIO()),
            ):
                folder = Path(scratch)
                store = store_of(machine, seed, arguments, folder)
                for number in SESSIONS:
                    part = with_sessions(store, number)
                    results[number] += alarms(part, arguments.detector, seed, folder)
            print(f"{machine}, seed {seed}", file=sys.stderr, flush=True)
    print(
        f"{arguments.detector}, {len(results[1])} machines, {CLIPS} clips of "
        f"{arguments.seconds:g} s per session, {arguments.snr_db:g} dB, wanted 0.1\n"
    )
    print_rows(results)


if __name__ == "__main__":
    main()
