import numpy as np

from stethoscope.datasets.clips import Clip
from stethoscope.detection.pooled.folds import RecordingOrder


def clips_of(recordings: list[str], sessions: list[str] | None = None) -> list[Clip]:
    sessions = sessions or [""] * len(recordings)
    return [
        Clip(path=name, recording=name, session=session)
        for name, session in zip(recordings, sessions, strict=True)
    ]


def test_contiguous_folds_hold_neighbours_and_interleaved_ones_do_not() -> None:
    recordings = [
        f"{number:02d}" for number in (6, 0, 1, 2, 3, 4, 5, 0)
    ]  # the last clip is of the same recording as the second
    order = RecordingOrder.of(clips_of(recordings), ["fan/00"], np.zeros(8, dtype=np.intp))
    assert order.contiguous(3).tolist() == [2, 0, 0, 0, 1, 1, 2, 0]
    assert order.interleaved(3).tolist() == [0, 0, 1, 2, 0, 1, 2, 0]
    few = RecordingOrder.of(clips_of(["a", "b"]), ["fan/00"], np.zeros(2, dtype=np.intp))
    assert few.contiguous(3).tolist() == few.interleaved(10).tolist() == [0, 1]


def test_folds_of_a_machine_with_known_sessions_are_whole_sessions() -> None:
    sessions = ["tue", "mon", "wed", "mon", "tue", "mon"]
    order = RecordingOrder.of(
        clips_of(list("abcdef"), sessions), ["fan/00"], np.zeros(6, dtype=np.intp)
    )
    assert order.sessions.tolist() == [3] * 6
    assert order.interleaved(10).tolist() == [1, 0, 2, 0, 1, 0]
    assert order.interleaved(2).tolist() == [0, 0, 1, 0, 0, 0]


def test_sessions_of_a_machine_are_unknown_if_one_of_its_clips_names_none() -> None:
    clips = clips_of(list("abcd"), ["mon", "", "mon", "tue"])
    order = RecordingOrder.of(clips, ["fan/00", "fan/02"], np.array([0, 0, 1, 1]))
    assert order.sessions.tolist() == [1, 1, 2, 2]
    assert order.interleaved(10).tolist() == [0, 1, 0, 1]
