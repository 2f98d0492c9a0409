from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.classification.report.sounds import clip_player, read_clip_sounds
from stethoscope.datasets.clips import Clip
from stethoscope.features.extract import extract_features
from stethoscope.sound.logmel import LogMel


def test_labelled_intervals_are_cut_and_unreadable_recordings_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    ramp = np.linspace(0.5, 1.0, 8000, dtype=np.float32)
    samples = np.concatenate([0.25 * ramp, 0.5 * ramp])
    soundfile.write(folder / "a.wav", samples, 8000)
    soundfile.write(folder / "b.wav", samples, 8000)
    clips = [
        Clip(path="a.wav", recording="a", source="set"),
        Clip(path="a.wav", recording="a", source="set", start=1.0, end=1.5),
        Clip(path="b.wav", recording="b", source="set"),
    ]
    feature = LogMel(sample_rate=8000, n_mels=16)
    store = extract_features([folder], clips, feature, tmp_path / "store")
    (folder / "b.wav").write_bytes(b"damaged since")
    sounds = read_clip_sounds([folder], store, [0, 1, 2])
    assert {index: sound.seconds for index, sound in sounds.items()} == {0: 2.0, 1: 0.5}
    np.testing.assert_allclose(sounds[1].samples, samples[8000:12000], atol=2**-15)
    assert sounds[0].samples[0] == pytest.approx(0.125, abs=2**-15)


def test_player_without_sound_has_no_audio() -> None:
    assert "<audio" not in clip_player(None, "a.wav")
