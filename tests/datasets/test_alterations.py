from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.alterations import alter, altered
from stethoscope.datasets.clips import Clip
from stethoscope.errors import ParameterError
from stethoscope.features.extract import extract_features
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.stretch import stretch

CLIP = Clip(path="a.wav", recording="a", label="dog", fold=2, source="set")
SOUND = np.sin(0.05 * np.arange(16_000)).astype(np.float32)


def test_versions_stay_with_their_recording() -> None:
    versions = altered([CLIP], ["noise 0.005", "roll 1600"])
    assert [one.augmentation for one in versions] == ["", "noise 0.005", "roll 1600"]
    assert {(one.recording, one.label, one.fold, one.split) for one in versions} == {
        ("a", "dog", 2, "train")
    }


def test_noise_has_the_given_level_and_is_repeatable() -> None:
    noisy = replace(CLIP, augmentation="noise 0.005")
    added = alter(SOUND, noisy) - SOUND
    assert added.std() == pytest.approx(0.005, rel=0.03)
    assert abs(added.mean()) < 2e-4
    np.testing.assert_array_equal(alter(SOUND, noisy), SOUND + added)
    assert not np.allclose(alter(SOUND, replace(noisy, recording="b")) - SOUND, added)


def test_roll_and_shift_move_the_clip_circularly() -> None:
    np.testing.assert_array_equal(
        alter(SOUND, replace(CLIP, augmentation="roll 1600"))[:1600], SOUND[-1600:]
    )
    ramp = np.arange(1000, dtype=np.float32)
    starts = {
        int(alter(ramp, replace(CLIP, recording=str(i), augmentation="shift 0.4")).argmin())
        for i in range(200)
    }
    assert 0 <= min(starts) < 20
    assert 380 < max(starts) < 400


def test_stretching_draws_a_rate_from_its_range_for_each_recording() -> None:
    lengths = np.array(
        [
            len(alter(SOUND, replace(CLIP, recording=str(i), augmentation="stretch 0.8-1.25")))
            for i in range(60)
        ]
    )
    rates = len(SOUND) / lengths
    assert 0.8 <= rates.min() < 0.83
    assert 1.2 < rates.max() <= 1.25 + 1e-4
    assert np.median(rates) == pytest.approx(1.0, abs=0.06)
    fixed = replace(CLIP, augmentation="stretch 1.1")
    np.testing.assert_array_equal(alter(SOUND, fixed), stretch(SOUND, 1.1))


@pytest.mark.parametrize(
    "alteration", ["noise 0.005", "roll 1600", "shift 0.4", "stretch 0.8-1.25"]
)
def test_channels_are_altered_in_the_same_way(alteration: str) -> None:
    both = np.stack([SOUND, 0.5 * SOUND])
    left, right = alter(both, replace(CLIP, augmentation=alteration))
    np.testing.assert_allclose(
        0.5 * left, right, atol=0.03 if alteration.startswith("noise") else 1e-5
    )


def test_unaltered_clip_keeps_its_samples() -> None:
    assert alter(SOUND, CLIP) is SOUND


@pytest.mark.parametrize(
    "wrong", ["echo 1", "noise", "noise -1", "roll nan", "shift many", "stretch 1.2-", "stretch -1"]
)
def test_unknown_alterations_are_refused(wrong: str) -> None:
    with pytest.raises(
        ParameterError, match=r"augmentation .* is not known; give alterations such as noise 0\.005"
    ):
        altered([CLIP], [wrong])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("stretch 1.2-0.8", "rates must rise"),
        ("stretch 0-2", r"lie from 0\.25 to 4"),
        ("roll 1-2", "has two amounts, roll takes one"),
    ],
)
def test_amounts_that_cannot_work_are_refused(wrong: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        altered([CLIP], [wrong])


def test_the_same_alteration_twice_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"'noise 0\.005' is given twice"):
        altered([CLIP], ["noise 0.005", "roll 10", "noise 0.005"])


def test_features_are_computed_of_the_altered_sound(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    soundfile.write(tmp_path / "set" / "a.wav", 0.5 * SOUND, 16_000, subtype="FLOAT")
    store = extract_features(
        [tmp_path / "set"], altered([CLIP], ["noise 0.005"]), LogMel(n_mels=32), tmp_path / "store"
    )
    assert [clip.augmentation for clip in store.clips] == ["", "noise 0.005"]
    noisy = alter(np.float32(0.5) * SOUND, store.clips[1])
    np.testing.assert_allclose(store.clip_frames(1), store.feature.extract(noisy), atol=1e-3)
    assert (store.clip_frames(1)[:, -1] > store.clip_frames(0)[:, -1] + 10).all()


def test_stretch_by_1_of_the_teaching_example_is_said_to_change_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [_, version] = altered([CLIP], ["stretch 1"])
    np.testing.assert_allclose(alter(SOUND, version), SOUND, atol=1e-4)
    printed = capsys.readouterr()
    assert "rate 1 changes nothing" in printed.out + printed.err
