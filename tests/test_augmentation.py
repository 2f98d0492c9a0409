from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.augmentation import alter, altered, mask
from stethoscope.datasets.clips import Clip
from stethoscope.errors import ParameterError
from stethoscope.features.extract import extract_features
from stethoscope.features.logmel import LogMel

CLIP = Clip(path="a.wav", recording="a", label="dog", fold=2, source="set")
SOUND = np.sin(0.05 * np.arange(16_000)).astype(np.float32)


def test_versions_stay_with_their_recording() -> None:
    versions = altered([CLIP], ["noise 0.005", "roll 1600"])
    assert [one.augmentation for one in versions] == ["", "noise 0.005", "roll 1600"]
    assert {(one.recording, one.label, one.fold, one.split) for one in versions} == {("a", "dog", 2, "train")}


def test_noise_has_the_wanted_level_and_is_the_same_again() -> None:
    noisy = replace(CLIP, augmentation="noise 0.005")
    added = alter(SOUND, noisy) - SOUND
    assert added.std() == pytest.approx(0.005, rel=0.03)
    assert abs(added.mean()) < 2e-4
    np.testing.assert_array_equal(alter(SOUND, noisy), SOUND + added)
    assert not np.allclose(alter(SOUND, replace(noisy, recording="b")) - SOUND, added)


def test_roll_and_shift_turn_the_clip_round() -> None:
    np.testing.assert_array_equal(alter(SOUND, replace(CLIP, augmentation="roll 1600"))[:1600], SOUND[-1600:])
    ramp = np.arange(1000, dtype=np.float32)
    starts = {int(alter(ramp, replace(CLIP, recording=str(i), augmentation="shift 0.4")).argmin()) for i in range(200)}
    assert 0 <= min(starts) < 20
    assert 380 < max(starts) < 400


def test_what_came_is_left_as_it_is() -> None:
    assert alter(SOUND, CLIP) is SOUND


@pytest.mark.parametrize("wrong", ["echo 1", "noise", "noise -1", "roll nan", "shift many"])
def test_unknown_alterations_are_refused(wrong: str) -> None:
    with pytest.raises(ParameterError, match=r"augmentation .* is not known; give alterations such as noise 0\.005"):
        altered([CLIP], [wrong])


def test_masks_fill_two_stretches_at_most() -> None:
    rng, fill = np.random.default_rng(0), np.full(40, -7.0, dtype=np.float32)
    for _ in range(50):
        frames = np.zeros((100, 40), dtype=np.float32)
        mask(frames, 0.1, fill, rng)
        assert set(np.unique(frames)) <= {0.0, -7.0}
        assert (frames == -7.0).all(axis=1).sum() <= 20
        assert (frames == -7.0).all(axis=0).sum() <= 8


def test_features_are_computed_of_the_altered_sound(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    soundfile.write(tmp_path / "set" / "a.wav", 0.5 * SOUND, 16_000, subtype="FLOAT")
    store = extract_features([tmp_path / "set"], altered([CLIP], ["noise 0.005"]), LogMel(n_mels=32), tmp_path / "store")
    assert [clip.augmentation for clip in store.clips] == ["", "noise 0.005"]
    noisy = alter(np.float32(0.5) * SOUND, store.clips[1])
    np.testing.assert_allclose(store.clip_frames(1), store.feature.extract(noisy), atol=1e-3)
    assert (store.clip_frames(1)[:, -1] > store.clip_frames(0)[:, -1] + 10).all()
