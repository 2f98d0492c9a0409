import math

from hypothesis import given
from hypothesis import strategies as st

from stethoscope.datasets.audacity import parse_labels
from stethoscope.errors import DatasetError
from tests.fuzz.common import fuzzed, one_line

NUMBER = st.floats().map(str) | st.integers().map(str) | st.sampled_from(("1,5", "1e9", "", "٣"))
LINE = st.builds("\t".join, st.lists(NUMBER | st.text(max_size=5), max_size=4)) | st.text()


@fuzzed
@given(st.lists(LINE).map("\n".join))
def test_any_label_file_is_read_or_refused_with_the_line(text: str) -> None:
    try:
        found = parse_labels(text, "labels.txt")
    except DatasetError as error:
        one_line(error, "labels.txt, line ")
        return
    for one in found:
        assert 0 <= one.start < one.end
        assert math.isfinite(one.end)
        assert one.label
