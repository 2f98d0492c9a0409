import io
import wave
from collections.abc import Callable

import pytest


def make_wav(
    *, seconds: float = 0.1, rate: int = 16_000, channels: int = 1, width: int = 2
) -> bytes:
    """A recording made by the standard library, independent of what reads it."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(range(1, 13)) * (int(seconds * rate) * channels * width // 12 + 1))
    return buffer.getvalue()


@pytest.fixture
def wav() -> Callable[..., bytes]:
    return make_wav
