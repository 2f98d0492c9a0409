import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stethoscope.serve.windows import StreamCutter, StreamFormat


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_windows_do_not_depend_on_the_size_of_blocks(data: st.DataObject) -> None:
    channels = data.draw(st.integers(1, 3))
    length, window, step = (data.draw(st.integers(1, 300)) for _ in range(3))
    form = StreamFormat(rate=100, channels=channels, window=window / 100, step=step / 100)
    samples = np.arange(length * channels, dtype="<i2").reshape(length, channels)
    content = samples.tobytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=12)))
    cutter = StreamCutter(form)
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        found += [(one.start, one.samples.copy()) for one in cutter.add(content[start:end])]
    found += [(one.start, one.samples) for one in cutter.finish()]
    ends = list(range(window, length + 1, step))
    if not ends or ends[-1] != length:
        ends.append(length)
    assert len(found) == len(ends)
    for (start, cut), end in zip(found, ends, strict=True):
        first = max(0, end - window)
        assert start == first / 100
        np.testing.assert_array_equal(cut, samples[first:end] / np.float32(32768))


def test_memory_of_a_long_stream_is_one_window() -> None:
    cutter = StreamCutter(StreamFormat(rate=1000, window=1.0, step=1.0))
    for _ in range(500):
        list(cutter.add(bytes(2 * 700)))
        assert cutter._kept.nbytes <= 4 * 1000
        assert cutter._kept.base is None
