"""What the fuzz tests share: the settings of the short run, and altered files."""

import io
import os
from functools import cache

import numpy as np
import soundfile
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from stethoscope.errors import StethoscopeError
from tests.fuzz.bundles import mutate_bytes

CASES = "FUZZ_CASES"
"""Environment variable with the number of new cases per run; absent in CI."""

_COMMON = {"deadline": None, "suppress_health_check": [*HealthCheck]}

fuzzed = (
    settings(max_examples=int(os.environ[CASES]), database=None, phases=[Phase.generate], **_COMMON)
    if CASES in os.environ
    else settings(max_examples=40, derandomize=True, **_COMMON)
)
"""The settings of each test: in CI always the same cases, by ``python -m tests.fuzz`` new ones."""


def altered(*originals: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy of files that are altered in some places, or not at all."""
    return st.builds(
        lambda content, draw, alter: mutate_bytes(content, draw) if alter else content,
        st.sampled_from(originals),
        st.randoms(use_true_random=True),
        st.sampled_from((True, True, True, True, False)),
    )


def one_line(error: StethoscopeError, start: str = "") -> None:
    """Check that an error can be shown to a person: one line, not too long, with this start."""
    assert "\n" not in str(error)
    assert str(error).strip()
    assert str(error).startswith(start)
    assert len(str(error)) < 5000


@cache
def sounds() -> dict[str, bytes]:
    """Return a short sound in each format that libsndfile writes, by the suffix of its file."""
    samples = 0.1 * np.random.default_rng(0).standard_normal((800, 2))
    kinds = [
        ("WAV", "PCM_16"), ("WAV", "PCM_U8"), ("WAV", "PCM_24"), ("WAV", "FLOAT"),
        ("WAV", "DOUBLE"), ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("WAV", "GSM610"),
        ("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"),
        ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16"),
    ]  # fmt: skip
    found = {}
    for kind, subtype in kinds:
        buffer = io.BytesIO()
        channels = 1 if subtype in ("GSM610", "OPUS") else 2
        rate = 48_000 if subtype == "OPUS" else 16_000
        soundfile.write(buffer, samples[:, :channels], rate, format=kind, subtype=subtype)
        found[f"{kind}-{subtype}"] = buffer.getvalue()
    return found
