"""Loaded by schemathesis: makes the recordings that it sends."""

import io

import numpy as np
import schemathesis
import soundfile
from hypothesis import strategies as st

from stethoscope.serve.body import AUDIO_TYPES


def wav(seconds: float, rate: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        0.1 * np.random.default_rng(0).standard_normal(round(seconds * rate)),
        rate,
        format="WAV",
    )
    return buffer.getvalue()


recordings = st.builds(wav, st.sampled_from([0.5, 1.0]), st.sampled_from([16_000, 22_050, 44_100]))
for media_type in AUDIO_TYPES:
    schemathesis.openapi.media_type(media_type, recordings)
