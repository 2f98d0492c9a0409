import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from stethoscope.serve.windows import Encoding, StreamCutter, StreamFormat, StreamWindow


def decoded(window: StreamWindow) -> np.ndarray:
    """Return the samples of a window, read by libsndfile [shape=(n_samples, n_channels)]."""
    content = io.BytesIO(b"".join(window.wav))
    samples, rate = soundfile.read(content, dtype="float32", always_2d=True)
    assert rate == 100
    return samples


@given(data=st.data())
@settings(max_examples=60)
def test_windows_do_not_depend_on_the_size_of_blocks(data: st.DataObject) -> None:
    channels = data.draw(st.integers(1, 3))
    encoding: Encoding = data.draw(st.sampled_from(["s16le", "f32le"]))
    length, window, step = (data.draw(st.integers(1, 300)) for _ in range(3))
    form = StreamFormat(
        rate=100, channels=channels, encoding=encoding, window=window / 100, step=step / 100
    )
    samples = np.arange(length * channels, dtype="<i2").reshape(length, channels)
    floats = samples / np.float32(32768)
    content = (samples if encoding == "s16le" else floats.astype("<f4")).tobytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=12)))
    cutter = StreamCutter(form)
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        found += [(one.start, one.end, decoded(one)) for one in cutter.add(content[start:end])]
    found += [(one.start, one.end, decoded(one)) for one in cutter.finish()]
    ends = list(range(window, length + 1, step))
    if not ends or ends[-1] != length:
        ends.append(length)
    assert len(found) == len(ends)
    for (start, stop, cut), end in zip(found, ends, strict=True):
        first = max(0, end - window)
        assert (start, stop) == (first / 100, end / 100)
        np.testing.assert_array_equal(cut, floats[first:end])


def test_stream_that_ends_inside_a_sample_gets_its_last_whole_samples() -> None:
    cutter = StreamCutter(StreamFormat(rate=100, channels=2, window=0.04, step=1.0))
    samples = np.arange(12, dtype="<i2").reshape(6, 2)
    list(cutter.add(samples.tobytes() + b"\1\2\3"))
    (last,) = cutter.finish()
    np.testing.assert_array_equal(decoded(last), samples[2:] / np.float32(32768))


@pytest.mark.parametrize("block", [1, 700, 10_000])
def test_memory_of_a_long_stream_is_one_window_made_once(block: int) -> None:
    form = StreamFormat(rate=1000, window=1.0, step=1.0)
    cutter = StreamCutter(form)
    ring = cutter._ring
    for _ in range(500):
        list(cutter.add(bytes(block)))
    assert cutter._ring is ring
    assert ring.nbytes <= form.window_bytes + form.frame_bytes
