import numpy as np
import scipy.signal

from stethoscope.datasets.simulator.clip import simulate_clip
from stethoscope.datasets.simulator.signals import RATE


def test_background_varies_within_and_between_clips() -> None:
    spectra, swings = [], []
    for index in range(6):
        y = simulate_clip(machine="fan", index=index, snr_db=-60.0)
        _, _, power = scipy.signal.spectrogram(y, RATE, nperseg=RATE // 2)
        bands = 10.0 * np.log10(power[: RATE // 4].reshape(8, -1, power.shape[1]).mean(axis=1))
        spectra.append(bands.mean(axis=1) - bands.mean())
        swings.append(np.ptp(bands.mean(axis=0)))
    assert np.mean(swings) > 3.0
    assert (
        np.std(spectra, axis=0).mean() > 0.5
    )  # estimates of one and the same spectrum differ by 0.1 dB
