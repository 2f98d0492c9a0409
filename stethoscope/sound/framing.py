"""How recordings are cut into frames, which all features have in common."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stethoscope.options import Options, Problem, option
from stethoscope.sound.resampling import Resampling


def sample_rate_option(default: int) -> Any:
    """Declare the field ``sample_rate``, in Hz."""
    text = "Rate to which recordings are resampled, in Hz; 0 takes the first recording's rate."
    return option(default, text, least=0)


def n_fft_option(default: int) -> Any:
    """Declare the field ``n_fft``, in samples."""
    return option(default, "Length of a frame and of its window, in samples.", least=16)


def hop_length_option(default: int) -> Any:
    """Declare the field ``hop_length``, in samples."""
    return option(default, "Step from frame to frame, in samples.", least=1)


@dataclass(frozen=True, kw_only=True)
class Framing(Options):
    """Which channel of a recording is read, at which rate, and in which frames."""

    sample_rate: int = sample_rate_option(0)
    channel: int = option(0, "Channel of the recordings, from 0.", least=0)
    n_fft: int = n_fft_option(1024)
    hop_length: int = hop_length_option(512)
    resampling: Resampling = option(
        "full_band",
        "How recordings of another rate are resampled: full_band, or soxr, which weakens the "
        "highest frequencies. Features of earlier versions were computed by soxr.",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a problem if frames would leave samples between them unused."""
        if self.hop_length > self.n_fft:
            text = f"is {self.hop_length}; it must not exceed {{n_fft}}, {self.n_fft}"
            yield Problem("hop_length", text)
