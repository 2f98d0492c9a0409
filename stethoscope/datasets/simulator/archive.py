"""Archives of simulated recordings in the layouts of public data sets."""

import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, get_args

import numpy as np
import soundfile

from stethoscope.datasets.clips import Condition, Split
from stethoscope.datasets.simulator.clip import (
    MOST_CLIPS,
    Content,
    check_number,
    check_scene,
    random_generator,
    simulate_clip,
)
from stethoscope.datasets.simulator.faults import FAULTS
from stethoscope.datasets.simulator.signals import RATE, Signal
from stethoscope.errors import ParameterError
from stethoscope.files import atomic_file, csv_text
from stethoscope.parallel import map_in_order
from stethoscope.progress import track

Layout = Literal["dcase2020", "mimii"]

_MILDEST = 0.5  # severity of the mildest fault; the worst is 1
_MOST_IDS = 50  # ids have two digits
_MOST_SESSIONS = 50  # so have sessions, of training and test together


def simulate_archive(
    path: str | os.PathLike[str],
    *,
    machine: str,
    seed: int = 0,
    snr_db: float = 0.0,
    layout: Layout = "dcase2020",
    ids: int = 3,
    train_clips: int = 30,
    test_normal: int | None = None,
    test_anomaly: int = 30,
    sessions: int = 0,
    test_sessions: int | None = None,
    noise_clips: int = 0,
    machine_clips: int = 0,
    channels: int = 1,
    seconds: float = 10.0,
) -> None:
    """Write an archive of simulated recordings of one machine type.

    The recordings are 16 kHz PCM16; the zip is not compressed. Each clip depends only on its
    own key, so that a larger set of the same seed contains the smaller one, and equal parameters
    give equal bytes. Machine and background of a clip are the same in both layouts and at every
    signal-to-noise ratio. ``<machine>/faults.csv`` (path, fault, severity) gives the true fault of
    each anomalous clip; the faults alternate.

    Parameters
    ----------
    path : str or os.PathLike
        The zip to write; an existing file is replaced when the new one is complete.
    machine : {"fan", "pump", "slider", "valve"}
    seed : int
        At least 0; another seed gives other machines of the same type.
    snr_db : float
        Mean power of the healthy machine over that of each clip's background, in dB.
    layout : {"dcase2020", "mimii"}
        File names: ``fan/train/normal_id_00_00000000.wav`` or ``fan/id_00/normal/00000000.wav``.
    ids : int
        Number of machines; their ids are 00, 02, 04 and so on.
    train_clips, test_anomaly : int
        Clips per id.
    test_normal : int or None
        Normal test clips per id; None means as many as anomalous ones. The MIMII layout allows no
        other number: its usual split tests on all anomalous and equally many normal clips.
    sessions : int
        Recording sessions that the training clips of an id are dealt to. Machines run at another
        speed and load, and in front of another background, in every session. 0: no sessions.
    test_sessions : int or None
        Further sessions, which the test clips are dealt to; None means as many as `sessions`.
    noise_clips, machine_clips : int
        Further clips per id, of the background alone and of the healthy machine alone. They lie in
        ``<machine>/supplemental``. The MIMII layout has none.
    channels : {1, 2}
        2 adds a microphone that stands farther from the machine, as the second channel.
    seconds : float
        Length of a clip, in seconds.

    Raises
    ------
    ParameterError
        If a parameter has a value that cannot work.
    """
    if test_normal is None:
        test_normal = test_anomaly
    if test_sessions is None:
        test_sessions = sessions
    _check_layout(layout, test_normal, test_anomaly)
    _check_sessions(layout, sessions, test_sessions)
    _check_supplement(layout, noise_clips, machine_clips)
    check_number("channels", channels, 1, 2)
    check_number("ids", ids, 1, _MOST_IDS)
    check_number("train_clips", train_clips, 1, MOST_CLIPS)
    check_number("test_normal", test_normal, 0, MOST_CLIPS)
    check_number("test_anomaly", test_anomaly, 0, MOST_CLIPS)
    check_scene(machine, seed, snr_db, seconds)

    counts = {"train": train_clips, "normal": test_normal, "anomaly": test_anomaly}
    supplement: dict[Content, int] = {"noise": noise_clips, "machine": machine_clips}
    in_sessions: dict[Split, int] = {
        "train": sessions,
        "supplemental": sessions,
        "test": test_sessions,
    }
    plan = [
        _in_session(clip, in_sessions, sessions)
        for machine_id in range(0, 2 * ids, 2)
        for clip in (
            *_plan(machine, machine_id, seed=seed, layout=layout, **counts),
            *_plan_supplement(machine, machine_id, supplement),
        )
    ]
    record = partial(
        _record, machine=machine, seed=seed, snr_db=snr_db, channels=channels, seconds=seconds
    )
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        recordings = map_in_order(record, plan)
        for clip, recording in zip(
            plan, track(recordings, label="simulate", total=len(plan)), strict=True
        ):
            archive.writestr(zip_member(clip.path), recording)
        archive.writestr(zip_member(f"{machine}/faults.csv"), _fault_table(plan))


def _check_layout(layout: str, test_normal: int, test_anomaly: int) -> None:
    if layout not in get_args(Layout):
        raise ParameterError(f"layout is {layout!r}; choose one of {', '.join(get_args(Layout))}")
    if layout == "mimii" and test_normal != test_anomaly:
        raise ParameterError(
            f"test_normal is {test_normal} but test_anomaly {test_anomaly};"
            " the MIMII split takes as many of both: leave test_normal out"
        )


def _check_sessions(layout: str, sessions: int, test_sessions: int) -> None:
    check_number("sessions", sessions, 0, _MOST_SESSIONS)
    check_number("test_sessions", test_sessions, 1 if sessions else 0, _MOST_SESSIONS)
    if test_sessions and not sessions:
        raise ParameterError(f"test_sessions is {test_sessions} but sessions is 0; set both")
    if sessions and layout == "mimii":
        raise ParameterError(
            f"sessions is {sessions} in the layout mimii, which has no folders for training and"
            " test; choose dcase2020"
        )


def _check_supplement(layout: str, noise_clips: int, machine_clips: int) -> None:
    for name, count in (("noise_clips", noise_clips), ("machine_clips", machine_clips)):
        check_number(name, count, 0, MOST_CLIPS)
        if count and layout == "mimii":
            raise ParameterError(
                f"{name} is {count} in the layout mimii, which has no folder for them; "
                "choose dcase2020"
            )


@dataclass(frozen=True, slots=True)
class _Planned:
    """A clip to simulate."""

    path: str
    machine_id: int
    split: Split
    fault: str | None
    severity: float
    index: int
    session: int | None = None
    content: Content = "both"


def _plan(
    machine: str,
    machine_id: int,
    *,
    seed: int,
    layout: Layout,
    train: int,
    normal: int,
    anomaly: int,
) -> Iterator[_Planned]:
    """Yield the clips of one machine."""
    conditions: tuple[tuple[Split, Condition, int], ...] = (
        ("train", "normal", train),
        ("test", "normal", normal),
        ("test", "anomaly", anomaly),
    )
    for split, condition, count in conditions:
        for index in range(count):
            if layout == "dcase2020":
                path = f"{machine}/{split}/{condition}_id_{machine_id:02d}_{index:08d}.wav"
            elif condition == "anomaly":
                path = f"{machine}/id_{machine_id:02d}/abnormal/{index:08d}.wav"
            else:  # the first normal clips in the order of names are the test clips
                number = index + normal if split == "train" else index
                path = f"{machine}/id_{machine_id:02d}/normal/{number:08d}.wav"
            fault, severity = None, 0.0
            if condition == "anomaly":
                fault = FAULTS[index % len(FAULTS)]
                severity = _severity(machine, machine_id, seed, index)
            yield _Planned(path, machine_id, split, fault, severity, index)


def _plan_supplement(
    machine: str, machine_id: int, counts: Mapping[Content, int]
) -> Iterator[_Planned]:
    """Yield the clips of the background alone and of one machine alone."""
    for content, count in counts.items():
        for index in range(count):
            path = f"{machine}/supplemental/{content}_id_{machine_id:02d}_{index:08d}.wav"
            yield _Planned(path, machine_id, "supplemental", None, 0.0, index, content=content)


def _in_session(clip: _Planned, sessions: Mapping[Split, int], n_training: int) -> _Planned:
    """Return a clip with its session, and the session's folder in its path.

    Clips are dealt to the sessions of their split in turn. Numbers of test sessions follow those of
    the training in the names of the folders.
    """
    if not sessions[clip.split]:
        return clip
    session = clip.index % sessions[clip.split]
    number = session + (n_training if clip.split == "test" else 0)
    folder, _, name = clip.path.rpartition("/")
    return replace(clip, session=session, path=f"{folder}/session_{number:02d}/{name}")


def _severity(machine: str, machine_id: int, seed: int, index: int) -> float:
    rng = random_generator(seed, "severity", machine, machine_id, index)
    return round(rng.uniform(_MILDEST, 1.0), 3)


def _record(
    clip: _Planned, *, machine: str, seed: int, snr_db: float, channels: int, seconds: float
) -> bytes:
    samples = simulate_clip(
        machine=machine,
        machine_id=clip.machine_id,
        split=clip.split,
        fault=clip.fault,
        severity=clip.severity,
        index=clip.index,
        session=clip.session,
        seed=seed,
        snr_db=snr_db,
        seconds=seconds,
        content=clip.content,
        channels=channels,
    )
    return encode_wav(samples)


def encode_wav(samples: Signal) -> bytes:
    """Return samples [shape=(n,) or (channels, n)] as a WAV file, 16 kHz PCM16."""
    file = io.BytesIO()
    values = np.rint(samples.T * 32767.0).astype(np.int16)
    soundfile.write(file, values, RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _fault_table(plan: list[_Planned]) -> str:
    rows = [(clip.path, clip.fault, clip.severity) for clip in plan if clip.fault is not None]
    return csv_text([("path", "fault", "severity"), *rows])


def zip_member(name: str) -> zipfile.ZipInfo:
    """Return the description of a zip's member without the time and system of its writing.

    Equal contents then give equal archives.
    """
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    return info
