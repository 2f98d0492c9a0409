import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.errors import AudioError
from stethoscope.sound.audio import load
from stethoscope.sound.logmel import LogMel
from tests.fuzz.common import altered, fuzzed, one_line, sounds

FEATURE = LogMel(sample_rate=16_000, n_mels=32)
NUMBERS = st.sampled_from((0, 1, 2, 3, 8, 16, 24, 32, 64, 255, 0x7FFF, 0xFFFE, 0xFFFF))
LARGE = st.sampled_from((0, 1, 1000, 16_000, 768_000, 0x7FFFFFFF, 0xFFFFFFFF))


def decodes_or_refuses(content: bytes) -> None:
    try:
        samples, _ = load(content, sample_rate=16_000, name="clip", max_seconds=60)
    except AudioError as error:
        one_line(error, "clip: ")
        return
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert len(samples) <= 61 * 16_000
    frames = FEATURE.extract(samples)
    assert len(frames) == FEATURE.n_frames(len(samples))


@fuzzed
@given(altered(*sounds().values()))
def test_altered_recording_is_decoded_or_refused_with_a_reason(content: bytes) -> None:
    decodes_or_refuses(content)


def chunk(name: bytes, content: bytes, size: int | None) -> bytes:
    return name + struct.pack("<I", len(content) if size is None else size) + content


@fuzzed
@given(
    fields=st.tuples(NUMBERS, NUMBERS, LARGE, LARGE, NUMBERS, NUMBERS),
    sizes=st.lists(st.none() | LARGE, min_size=3, max_size=3),
    extra=st.binary(max_size=40),
    samples=st.binary(max_size=400),
    order=st.permutations([0, 1, 2]),
)
def test_invented_wav_header_is_decoded_or_refused_with_a_reason(
    fields: tuple[int, ...],
    sizes: list[int | None],
    extra: bytes,
    samples: bytes,
    order: list[int],
) -> None:
    chunks = [
        chunk(b"fmt ", struct.pack("<HHIIHH", *fields) + extra, sizes[0]),
        chunk(b"data", samples, sizes[1]),
        chunk(b"LIST", extra, sizes[2]),
    ]
    body = b"WAVE" + b"".join(chunks[one] for one in order)
    decodes_or_refuses(chunk(b"RIFF", body, None))
