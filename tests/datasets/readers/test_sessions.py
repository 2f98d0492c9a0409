from pathlib import PurePosixPath

import pytest

from stethoscope.datasets.layouts import index
from stethoscope.datasets.readers.sessions import session_of_path, sessions_of_times
from tests.datasets.conftest import Pack


@pytest.mark.parametrize(
    ("path", "session", "rest"),
    [
        ("fan/train/session_2/normal_id_00_01.wav", "2", "fan/train/normal_id_00_01.wav"),
        ("fan/train/normal_id_00_01_session_b.wav", "b", "fan/train/normal_id_00_01.wav"),
        ("fan/train/2026-03-14/a.wav", "2026-03-14", "fan/train/a.wav"),
        ("fan/train/20260314T0930/a.wav", "2026-03-14", "fan/train/a.wav"),
        ("fan/train/hall 20260314/a.wav", "2026-03-14", "fan/train/hall 20260314/a.wav"),
        ("a_20260314T093000.wav", "2026-03-14", "a_20260314T093000.wav"),
        ("a_20260314093000.wav", "2026-03-14", "a_20260314093000.wav"),
        ("session_3/20260314.wav", "3", "20260314.wav"),
        ("fan/train/normal_id_00_00000012.wav", "", "fan/train/normal_id_00_00000012.wav"),
        ("a_20261314.wav", "", "a_20261314.wav"),
        ("a_202603141.wav", "", "a_202603141.wav"),
        ("obsession_1.wav", "", "obsession_1.wav"),
    ],
)
def test_session_is_the_one_that_the_path_names_else_its_date(
    path: str, session: str, rest: str
) -> None:
    assert session_of_path(PurePosixPath(path)) == (session, PurePosixPath(rest))


def test_layouts_read_sessions_and_keep_their_recordings_apart(pack: Pack) -> None:
    dcase = pack(
        [
            "fan/train/session_0/normal_id_00_00000000.wav",
            "fan/train/session_1/normal_id_00_00000000.wav",
            "fan/train/normal_id_00_20260314T0930.wav",
        ],
        "fan.zip",
    )
    mimii = pack(
        ["id_00/normal/2026-03-14/00.wav", "id_00/2026-03-15/normal/00.wav"], "0_dB_fan.zip"
    )
    for archive, sessions in (
        (dcase, ["2026-03-14", "0", "1"]),
        (mimii, ["2026-03-15", "2026-03-14"]),
    ):
        clips = index([archive])
        assert [clip.session for clip in clips] == sessions
        assert {clip.machine for clip in clips} == {"fan/00"}
        assert len({clip.recording for clip in clips}) == len(clips)


def test_hours_between_the_times_of_files_divide_sessions() -> None:
    # date -u -d @1770000000: 2026-02-02 02:40
    start = 1_770_000_000.0
    times = [start + 3600 * hours for hours in (0, 1, 30, 2, 31, 60)]
    assert sessions_of_times(times) == [
        "2026-02-02 02:40",
        "2026-02-02 02:40",
        "2026-02-03 08:40",
        "2026-02-02 02:40",
        "2026-02-03 08:40",
        "2026-02-04 14:40",
    ]
    assert sessions_of_times([start, start + 60, start + 7200]) == ["", "", ""]
    assert sessions_of_times([0.0, start]) == ["", ""]
    assert sessions_of_times([]) == []
