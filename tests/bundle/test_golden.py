from pathlib import Path

import numpy as np
import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.golden import golden_sound
from stethoscope.bundle.manifest import update_manifest
from stethoscope.errors import ModelError
from stethoscope.files import read_json, write_json


def test_bundle_that_computes_another_score_is_refused(copy: Path) -> None:
    golden = read_json(copy / "golden/detector/golden.json")
    write_json(copy / "golden/detector/golden.json", {**golden, "score": golden["score"] * 1.01})
    update_manifest(copy, changed=["golden"])
    with pytest.raises(ModelError, match="scores the golden sound"):
        Bundle.open(copy)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 48_000])
def test_golden_sound_has_energy_in_every_band_and_does_not_clip(sample_rate: int) -> None:
    samples = golden_sound(sample_rate, 2.0)
    assert samples.shape == (2 * sample_rate,)
    assert np.abs(samples).max() < 1.0
    power = np.abs(np.fft.rfft(samples)) ** 2
    bands = [band.mean() for band in np.array_split(power, 64)]
    assert min(bands) > 1e-3 * np.median(bands)
