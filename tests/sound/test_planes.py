from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.clips import Clip
from stethoscope.errors import AudioError, ParameterError
from stethoscope.features.extract import extract_features
from stethoscope.sound.feature import feature_from_json, load_for_feature
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes

MEL = LogMel(sample_rate=16_000, n_mels=32, pad_mode="constant")
RNG = np.random.default_rng(0)
STEREO = RNG.uniform(-0.5, 0.5, (2, 8000)).astype(np.float32)


@pytest.mark.parametrize("of", [MEL, Mfcc(sample_rate=16_000, n_mfcc=20)])
def test_channels_are_side_by_side_in_a_frame(of: LogMel | Mfcc) -> None:
    planes = Planes(of=of, channels=2)
    frames = planes.extract(STEREO)
    assert frames.shape == (planes.n_frames(8000), planes.size)
    np.testing.assert_array_equal(frames[:, : of.size], of.extract(STEREO[0]))
    np.testing.assert_array_equal(frames[:, of.size :], of.extract(STEREO[1]))
    mono = planes.extract(STEREO[0])
    np.testing.assert_array_equal(mono[:, : of.size], mono[:, of.size :])


def test_shorter_clip_is_padded_with_silence() -> None:
    planes = Planes(of=MEL, seconds=1.0, pad="silence")
    expected = MEL.extract(
        np.concatenate([np.zeros(4000), STEREO[0], np.zeros(4000)]).astype(np.float32)
    )
    np.testing.assert_array_equal(planes.extract(STEREO[0]), expected)
    assert planes.n_frames(8000) == planes.window == len(expected) == 32


def test_longer_clip_is_cut_only_with_cut() -> None:
    cut = Planes(of=MEL, seconds=0.25, cut=True)
    np.testing.assert_array_equal(cut.extract(STEREO[0]), MEL.extract(STEREO[0, :4000]))
    assert cut.n_frames(8000) == cut.window == 8
    whole = replace(cut, cut=False)
    np.testing.assert_array_equal(whole.extract(STEREO[0]), MEL.extract(STEREO[0]))
    assert whole.n_frames(8000) == 16
    assert whole.window == 8


def test_clips_keep_their_length_without_seconds() -> None:
    planes = Planes(of=MEL)
    assert planes.window == 0
    np.testing.assert_array_equal(planes.extract(STEREO[0]), MEL.extract(STEREO[0]))


def test_definition_is_rebuilt_from_json() -> None:
    for of in (MEL, Mfcc(sample_rate=8000)):
        planes = Planes(of=of, channels=2, seconds=4.0, pad="silence", cut=True)
        assert feature_from_json(planes.to_json()) == planes


def test_mono_and_stereo_recordings_of_any_rate_make_one_store(tmp_path: Path) -> None:
    """The first recording sets the rate; a mono recording is repeated on both channels."""
    (tmp_path / "set").mkdir()
    time = np.arange(11_025) / 22_050
    tones = np.stack([np.sin(2 * np.pi * 500 * time), np.sin(2 * np.pi * 3000 * time)])
    soundfile.write(tmp_path / "set" / "a.wav", 0.4 * tones.T, 22_050)
    soundfile.write(
        tmp_path / "set" / "b.wav",
        0.4 * np.sin(2 * np.pi * 500 * np.arange(24_000) / 48_000),
        48_000,
    )
    clips = [
        Clip(path=name, recording=name, label=name, source="set") for name in ("a.wav", "b.wav")
    ]
    planes = Planes(
        of=LogMel(n_mels=32, pad_mode="constant"), channels=2, seconds=0.5, pad="silence", cut=True
    )
    store = extract_features([tmp_path / "set"], clips, planes, tmp_path / "store")
    assert store.feature.sample_rate == 22_050
    loudest = [store.clip_frames(index)[10].reshape(2, 32).argmax(axis=1) for index in (0, 1)]
    assert loudest[0][0] < loudest[0][1]
    assert loudest[1][0] == loudest[1][1] == loudest[0][0]
    np.testing.assert_array_equal(
        store.clip_frames(0),
        store.feature.extract(load_for_feature(tmp_path / "set" / "a.wav", store.feature)),
    )


def test_missing_channel_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", STEREO.T, 16_000)
    with pytest.raises(AudioError, match=r"has 2 channels, channel 2 does not exist"):
        load_for_feature(tmp_path / "a.wav", Planes(of=replace(MEL, channel=1), channels=2))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"channels": 0}, "channels is 0"),
        ({"seconds": -1.0}, r"seconds is -1\.0"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"seconds": 1.0, "pad": "zeros"}, "pad is 'zeros'"),
        ({"cut": True}, "seconds is 0; give the length"),
    ],
)
def test_impossible_values_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Planes(of=MEL, **values)  # type: ignore[arg-type]
