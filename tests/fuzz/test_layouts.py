import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from stethoscope.datasets.layouts import LAYOUTS, index
from stethoscope.errors import DatasetError
from tests.fuzz.common import fuzzed, one_line, sounds

WORDS = (
    "fan", "pump", "train", "test", "normal", "anomaly", "abnormal", "id_00", "id_02", "section_00",
    "source", "target", "6_dB", "-6_dB", "00000000", "dev_data", "fold1", "101415-3-0-2", "audio",
    "label", "session", "ok", "fault", "noise", "supplemental", "é", " ", "..", "", "0", "-1",
)  # fmt: skip
PART = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map("_".join)
NAME = st.builds(
    lambda parts, suffix: "/".join(parts) + suffix,
    st.lists(PART | st.sampled_from(WORDS), min_size=1, max_size=4),
    st.sampled_from((".wav", ".wav", ".wav", ".flac", ".txt", ".csv", "")),
).filter(bool)  # zipfile writes no member without a name
CELL = st.sampled_from((*WORDS, "normal", "a.wav", "fan/a.wav", "1", "10", "-3", '"', "fan/00"))
COLUMNS = (
    "path", "condition", "machine", "session", "label", "split",
    "slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class",
)  # fmt: skip
TABLE = st.builds(
    lambda header, rows, separator: "\n".join(separator.join(row) for row in [header, *rows]),
    st.permutations(COLUMNS[:6]) | st.permutations(COLUMNS[6:]) | st.lists(CELL),
    st.lists(st.lists(CELL, min_size=1, max_size=9), max_size=4),
    st.sampled_from((",", ";", "\t")),
)
LABELS = st.lists(st.sampled_from(("0\t1\tDing", "1,5\t2\tx", "2\t1\t", "x", "\\\t1\t2", ""))).map(
    "\n".join
)


@fuzzed
@given(
    names=st.lists(NAME, min_size=1, max_size=12, unique=True),
    texts=st.lists(TABLE | LABELS | st.text(), min_size=3, max_size=3),
    layout=st.sampled_from(("auto", "auto", *LAYOUTS)),
)
def test_any_names_are_indexed_or_refused_with_a_reason(
    names: list[str], texts: list[str], layout: str
) -> None:
    wav = sounds()["WAV-PCM_16"]
    with tempfile.TemporaryDirectory() as folder, patch("stethoscope.datasets.layouts.warn"):
        path = Path(folder) / "set.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number, name in enumerate(names):
                text = texts[number % 3].encode(errors="replace")
                archive.writestr(name, text if name.endswith((".txt", ".csv")) else wav)
        try:
            clips = index([path], layout)
        except DatasetError as error:
            one_line(error)
            return
    assert clips
    paths = {str(PurePosixPath(name)) for name in names}
    for clip in clips:
        assert clip.path in paths
        assert clip.condition in ("normal", "anomaly", "unknown")
        assert clip.split in ("train", "test", "")
        assert clip.start >= 0
