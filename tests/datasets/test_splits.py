import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.splits import hold_out, known_sessions, sessions_as_recordings


def clips_of(sizes: list[int]) -> list[Clip]:
    """Return two clips of each recording, with so many recordings per machine."""
    return [
        Clip(path=f"{machine}-{number}-{part}", recording=str(number), machine_id=str(machine))
        for machine, size in enumerate(sizes)
        for number in range(size)
        for part in range(2)
    ]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.floats(0, 0.99), st.integers(0, 9))
def test_recordings_are_held_out_as_a_whole_per_machine(
    sizes: list[int], share: float, seed: int
) -> None:
    clips = clips_of(sizes)
    held_out = hold_out(clips, share, seed=seed)
    for machine, size in enumerate(sizes):
        of_machine = [one.machine_id == str(machine) for one in clips]
        sides = held_out[of_machine]
        assert (sides[::2] == sides[1::2]).all()
        count = int(sides.sum()) // 2
        assert count < size
        assert abs(count - share * size) <= 1
        if share and size > 1:
            assert count >= 1


def test_seed_decides_which_recordings_are_held_out() -> None:
    clips = clips_of([20])
    first = hold_out(clips, 0.25, seed=0)
    assert first.sum() == pytest.approx(10)
    assert (first == hold_out(clips, 0.25, seed=0)).all()
    assert (first != hold_out(clips, 0.25, seed=1)).any()


def test_sessions_are_known_if_every_clip_names_one() -> None:
    clips = clips_of([2])
    named = [dataclasses.replace(clip, session=f"day {clip.recording}") for clip in clips]
    assert known_sessions(named) == ["day 0", "day 0", "day 1", "day 1"]
    assert known_sessions([*named[:3], clips[3]]) == [""] * 4


@pytest.mark.parametrize(("sessions", "whole"), [(2, False), (3, True)])
def test_whole_sessions_are_held_out_if_a_machine_has_three(sessions: int, whole: bool) -> None:
    clips = [
        dataclasses.replace(clip, session=str(int(clip.recording) % sessions))
        for clip in clips_of([12])
    ]
    held_out = hold_out(sessions_as_recordings(clips), 0.1, seed=0)
    chosen = {clip.session for clip, out in zip(clips, held_out, strict=True) if out}
    assert len(chosen) == 1
    of_session = [out for clip, out in zip(clips, held_out, strict=True) if clip.session in chosen]
    assert all(of_session) == whole
