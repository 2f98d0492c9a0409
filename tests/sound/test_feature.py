from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.errors import ModelError
from stethoscope.files import write_json
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.feature import Feature, feature_from_json, load_for_feature, read_feature
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes

FEATURES = [
    LogMel(sample_rate=8000, n_mels=32),
    Mfcc(sample_rate=8000, n_mfcc=13),
    BandSpectrum(sample_rate=8000),
    Planes(of=LogMel(sample_rate=8000, pad_mode="constant"), channels=2, seconds=0.5, cut=True),
    Planes(of=Mfcc(sample_rate=8000)),
]
KINDS = ["logmel", "mfcc", "bands", "planes", "planes"]


@pytest.mark.parametrize(("feature", "kind"), list(zip(FEATURES, KINDS, strict=True)))
def test_definition_is_rebuilt_from_its_json(feature: Feature, kind: str) -> None:
    value = feature.to_json()
    assert value["kind"] == kind
    assert feature_from_json(value) == feature


@pytest.mark.parametrize("feature", FEATURES)
def test_number_and_size_of_frames_are_as_declared(feature: Feature) -> None:
    channels = feature.channels if isinstance(feature, Planes) else 1
    samples = np.random.default_rng(0).standard_normal((channels, 4800)).astype(np.float32)
    frames = feature.extract(samples if channels > 1 else samples[0])
    assert frames.shape == (feature.n_frames(4800), feature.size)


@pytest.mark.parametrize("feature", FEATURES)
def test_rate_is_changed_and_nothing_else(feature: Feature) -> None:
    changed = feature.at_rate(16_000)
    assert changed.sample_rate == 16_000
    assert changed.at_rate(8000) == feature


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ModelError, match="feature kind 'chroma' is not known"):
        feature_from_json({"kind": "chroma"})


def test_feature_of_a_model_without_a_sample_rate_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "feature.json", LogMel().to_json())
    with pytest.raises(ModelError, match="sample_rate is 0"):
        read_feature(tmp_path / "feature.json")


def test_recording_is_loaded_with_the_channels_and_rate_of_the_feature(tmp_path: Path) -> None:
    samples = np.stack([np.full(1600, 0.25), np.full(1600, 0.5)], axis=1)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    one = load_for_feature(tmp_path / "a.wav", LogMel(sample_rate=8000, channel=1))
    np.testing.assert_allclose(one, 0.5, atol=1e-4)
    both = load_for_feature(tmp_path / "a.wav", FEATURES[3])
    np.testing.assert_allclose(both[:, 0], [0.25, 0.5], atol=1e-4)
    assert load_for_feature(tmp_path / "a.wav", LogMel(sample_rate=16_000)).shape == (3200,)
