import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.errors import AudioError
from stethoscope.sound.audio import decode
from stethoscope.sound.parts import LongSource, equal_parts, windows_of

RATE = 8000


def stereo(path: Path, seconds: float = 5.0, **options: str) -> Path:
    noise = 0.1 * np.random.default_rng(0).standard_normal((round(seconds * RATE), 2))
    soundfile.write(path, noise, RATE, **options)
    return path


@pytest.mark.parametrize(
    "name", ["a.wav", "a.flac", "a.ogg", "a.mp3"], ids=["wav", "flac", "ogg", "mp3"]
)
def test_parts_are_the_samples_of_the_whole_whatever_the_format(name: str, tmp_path: Path) -> None:
    path = stereo(tmp_path / name)
    whole = decode(path).samples
    for intervals in (
        [(0, 9000), (9000, 18_000), (18_000, 40_000)],
        [(0, 9000), (3000, 12_000), (31_000, 40_000)],  # overlapping, then a gap
    ):
        with LongSource(path) as source:
            assert (source.n_samples, source.sample_rate) == (whole.shape[1], RATE)
            for (start, stop), part in source.read(intervals):
                # How a decoder of MP3 rounds depends on the number of samples that are requested.
                atol = 1e-6 if name == "a.mp3" else 0.0
                np.testing.assert_allclose(part.samples, whole[:, start:stop], atol=atol, rtol=0)


@pytest.mark.parametrize(
    ("seconds", "wanted", "lengths"),
    [(60, 10, [10] * 6), (16, 10, [8, 8]), (14, 10, [14]), (64, 10, [64 / 6] * 6), (7, 0, [7])],
)
def test_parts_are_equal_and_as_near_to_the_length_as_possible(
    seconds: float, wanted: float, lengths: list[float]
) -> None:
    parts = equal_parts(seconds * RATE, RATE, wanted)
    assert [stop - start for start, stop in parts] == pytest.approx(
        [RATE * length for length in lengths], abs=1
    )
    assert parts[0][0] == 0
    assert parts[-1][1] == seconds * RATE
    assert all(a[1] == b[0] for a, b in pairwise(parts))


@pytest.mark.parametrize(
    ("seconds", "length", "step", "starts"),
    [(60, 20, 20, [0, 20, 40]), (65, 20, 20, [0, 20, 40, 45]), (50, 20, 15, [0, 15, 30])],
)
def test_windows_cover_a_recording_to_its_end(
    seconds: int, length: float, step: float, starts: list[int]
) -> None:
    windows = windows_of(seconds * RATE, RATE, length, step)
    assert windows == [(start * RATE, round((start + length) * RATE)) for start in starts]


def test_only_a_file_may_be_longer_than_what_is_decoded_at_once(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 1000, 1, format="FLAC") as file:
        for _ in range(61):
            file.write(0.1 * np.random.default_rng(0).standard_normal(60_000))
    with LongSource(path) as source:
        assert source.seconds == 3660
        assert source.is_long(10.0)
        assert not source.is_long(0)
        (_, last), *rest = source.read([(3_650_000, 3_660_000)])
        assert last.seconds == 10
        assert not rest
    with pytest.raises(AudioError, match="lasts 3660 s"):
        LongSource(path.read_bytes())
    with pytest.raises(AudioError, match="lasts 3660 s, at most 300 s"):
        LongSource(path, max_seconds=300.0)


def test_a_file_that_was_cut_off_ends_early_and_says_how_much_is_missing(tmp_path: Path) -> None:
    content = stereo(tmp_path / "a.wav").read_bytes()
    with LongSource(io.BytesIO(content[: len(content) // 2])) as source:
        parts = [part for _, part in source.read(equal_parts(source.n_samples, RATE, 1.0))]
    assert sum(part.seconds for part in parts) == pytest.approx(2.5, abs=0.01)
    assert parts[-1].missing_seconds == pytest.approx(2.5, abs=0.01)
    assert parts[0].missing_seconds == 0


@pytest.mark.parametrize("content", [b"no sound at all", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(AudioError, match="recording: not a readable recording"):
        LongSource(content)
    with pytest.raises(AudioError, match="recording: holds no samples"):
        LongSource(b"")
    with pytest.raises(AudioError, match="no such file"):
        LongSource("/nothing/here.wav")
