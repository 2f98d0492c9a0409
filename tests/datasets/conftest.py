import io
import wave
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

Pack = Callable[..., Path]


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


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Make a zip of empty files with the given names: layouts read nothing but names."""

    def make(names: Iterable[str], archive: str = "set.zip") -> Path:
        with zipfile.ZipFile(tmp_path / archive, "w") as file:
            for name in names:
                file.writestr(name, b"")
        return tmp_path / archive

    return make
