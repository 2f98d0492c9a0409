"""The energy spectrum of overlapping frames.

Frames are taken in blocks whose windowed samples and spectra stay in the processor's cache. In
memory that was used before, a block costs little more than its transforms; all frames of a clip at
once take three times as long, most of it for fresh memory.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_BLOCK_SAMPLES = 1 << 16


class EnergySpectrum:
    """Squared magnitude of the discrete Fourier transform of every frame of a signal.

    Parameters
    ----------
    window : np.ndarray [shape=(n_fft,)]
        Weights of a frame's samples.
    hop_length : int
        Step from frame to frame, in samples.
    """

    def __init__(self, window: npt.NDArray[np.floating], hop_length: int) -> None:
        self._window = window.astype(np.float32)
        self._hop_length = hop_length

    def blocks(self, samples: Array) -> Iterator[tuple[slice, Array]]:
        """Yield the spectra of blocks of frames, and which frames these are.

        Parameters
        ----------
        samples : np.ndarray [shape=(n_samples,), dtype=float32]
            At least ``n_fft`` samples; there is no padding.

        Yields
        ------
        frames : slice
            Of all ``1 + (n_samples - n_fft) // hop_length`` frames.
        energy : np.ndarray [shape=(number of these frames, 1 + n_fft // 2), dtype=float32]
            Valid until the next block is requested.
        """
        n_fft = len(self._window)
        frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[:: self._hop_length]
        most = min(len(frames), max(1, _BLOCK_SAMPLES // n_fft))
        windowed = np.empty((most, n_fft), dtype=np.float32)
        spectrum = np.empty((most, n_fft // 2 + 1), dtype=np.complex64)
        energy = np.empty(spectrum.shape, dtype=np.float32)
        parts = spectrum.view(np.float32)  # real and imaginary ones, in turns
        for start in range(0, len(frames), most):
            n = min(most, len(frames) - start)
            np.multiply(frames[start : start + n], self._window, out=windowed[:n])
            # numpy declares complex128 alone, but takes the precision of the input.
            np.fft.rfft(windowed[:n], axis=1, out=spectrum[:n])  # type: ignore[arg-type]
            np.square(parts[:n], out=parts[:n])
            np.add(parts[:n, ::2], parts[:n, 1::2], out=energy[:n])
            yield slice(start, start + n), energy[:n]
