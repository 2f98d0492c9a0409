"""The energy spectrum of overlapping frames.

Frames are taken in a few large blocks. Threads that compute at the same time wait for Python's lock
at every call of numpy, and a call that takes long needs it seldom. Blocks are smaller than a long
clip, so that memory does not grow with its length, and each array of one is smaller than what a
worker of the service returns to the system when it is freed.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_BLOCK_SAMPLES = 250_000  # 1 MB of frames, and as much of spectra


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
        # The transform divides by the number of samples: numpy computes it in single precision only
        # if it has to multiply by a factor of single precision.
        self._window = (window * len(window)).astype(np.float32)
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
        samples = np.ascontiguousarray(samples, dtype=np.float32)
        n_frames = 1 + (len(samples) - n_fft) // self._hop_length
        # All frames, overlapping in the memory of the samples.
        steps = self._hop_length * samples.itemsize, samples.itemsize
        frames = np.ndarray((n_frames, n_fft), np.float32, samples.data, strides=steps)
        n_blocks = max(1, -(-n_frames * n_fft // _BLOCK_SAMPLES))
        most = -(-n_frames // n_blocks)
        windowed = np.empty((most, n_fft), dtype=np.float32)
        spectrum = np.empty((most, n_fft // 2 + 1), dtype=np.complex64)
        parts = spectrum.view(np.float32)  # real and imaginary ones, in turns
        # The windowed frames are no longer needed where the energy is written.
        energy = windowed.reshape(-1)[: spectrum.size].reshape(spectrum.shape)
        for start in range(0, n_frames, most):
            n = min(most, n_frames - start)
            np.multiply(frames[start : start + n], self._window, out=windowed[:n])
            # numpy declares complex128 alone.
            np.fft.rfft(windowed[:n], axis=1, norm="forward", out=spectrum[:n])  # type: ignore[arg-type]
            np.square(parts[:n], out=parts[:n])
            np.add(parts[:n, ::2], parts[:n, 1::2], out=energy[:n])
            yield slice(start, start + n), energy[:n]
