import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError, ModelError
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.measurement import measure


def write_wav(path: Path, samples: np.ndarray, rate: int = 16_000, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **options)


def noise(seed: int, n: int = 16_000, channels: int = 1) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal((n, channels)).astype(np.float32)


def clips_of(folder: Path) -> list[Clip]:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.wav"))
    return [Clip(path=name, recording=name, source=folder.name) for name in names]


def test_frames_of_each_clip_are_those_of_its_recording(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for i in range(9):
        write_wav(folder / f"{i}.wav", noise(i, 8_000 + 700 * i))
    store = extract_features([folder], clips_of(folder), LogMel(), tmp_path / "store")
    assert store.feature.sample_rate == 16_000
    assert [clip.path for clip in store.clips] == [f"{i}.wav" for i in range(9)]
    for index, clip in enumerate(store.clips):
        samples, _ = soundfile.read(folder / clip.path, dtype="float32")
        np.testing.assert_array_equal(store.clip_frames(index), store.feature.extract(samples))
    assert store.frames.shape == (int(store.n_frames.sum()), 128)
    assert isinstance(store.frames, np.memmap)


def test_bad_recordings_are_skipped_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write_wav(folder / "good.wav", noise(0))
    write_wav(folder / "short.wav", noise(1, 600))
    write_wav(folder / "nan.wav", np.full(16_000, np.nan, dtype=np.float32), subtype="FLOAT")
    write_wav(folder / "empty.wav", np.zeros(0, dtype=np.float32))
    (folder / "text.wav").write_text("not a sound")
    store = extract_features([folder], clips_of(folder), LogMel(), tmp_path / "store", min_frames=5)
    assert [clip.path for clip in store.clips] == ["good.wav"]
    reasons = {one.path: one.reason for one in FeatureStore.open(tmp_path / "store").skipped}
    assert "shorter than one window of 5 frames" in reasons["short.wav"]
    assert "NaN" in reasons["nan.wav"]
    assert "no samples" in reasons["empty.wav"]
    assert "not a readable" in reasons["text.wav"]


def test_damaged_member_of_a_zip_is_skipped(tmp_path: Path) -> None:
    for name in "ab":
        write_wav(tmp_path / f"{name}.wav", noise(ord(name)))
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in "ab":
            file.write(tmp_path / f"{name}.wav", f"{name}.wav")
    content = bytearray(archive.read_bytes())
    content[5_000] ^= 0xFF  # inside the first member's data: its checksum no longer holds
    archive.write_bytes(content)
    clips = [Clip(path=f"{name}.wav", recording=name, source="set.zip") for name in "ab"]
    store = extract_features([archive], clips, LogMel(), tmp_path / "store")
    assert [clip.path for clip in store.clips] == ["b.wav"]
    assert [one.path for one in store.skipped] == ["a.wav"]


def test_set_without_a_usable_recording_leaves_no_store(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "text.wav").write_text("not a sound")
    with pytest.raises(DatasetError, match=r"none of 1 recordings can be used.*text\.wav"):
        extract_features([folder], clips_of(folder), LogMel(), tmp_path / "store")
    with pytest.raises(ModelError, match="not a finished feature store"):
        FeatureStore.open(tmp_path / "store")


def test_other_rates_are_resampled_and_the_channel_is_chosen(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    stereo = noise(0, 16_000, channels=8)
    write_wav(folder / "a.wav", stereo)
    write_wav(folder / "b.wav", noise(1, 48_000, channels=8), rate=48_000)
    store = extract_features([folder], clips_of(folder), LogMel(channel=3), tmp_path / "store")
    samples, _ = soundfile.read(folder / "a.wav", dtype="float32")
    np.testing.assert_array_equal(
        store.clip_frames(0), store.feature.extract(np.ascontiguousarray(samples[:, 3]))
    )
    assert store.n_frames.tolist() == [32, 32]


def test_missing_channel_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write_wav(folder / "a.wav", noise(0))
    with pytest.raises(DatasetError, match=r"a\.wav: has 1 channel, channel 2 does not exist"):
        extract_features([folder], clips_of(folder), LogMel(channel=2), tmp_path / "store")


def test_labelled_intervals_of_one_recording_are_cut_from_it(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write_wav(folder / "a.wav", noise(0, 32_000))
    clips = [
        Clip(path="a.wav", recording="a", source="set", start=start, end=start + 0.5)
        for start in (0.25, 1.0)
    ]
    store = extract_features([folder], clips, LogMel(), tmp_path / "store")
    samples, _ = soundfile.read(folder / "a.wav", dtype="float32")
    np.testing.assert_array_equal(
        store.clip_frames(1), store.feature.extract(samples[16_000:24_000])
    )
    assert len(store.clips) == 2


def useless_among_good(folder: Path, n_good: int, n_silent: int) -> list[Clip]:
    for i in range(n_good):
        write_wav(folder / f"good{i}.wav", noise(i))
    for i in range(n_silent):
        write_wav(folder / f"silent{i}.wav", np.zeros(16_000))
    return clips_of(folder)


def test_useless_recordings_are_left_out_counted_and_named_by_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    clips = useless_among_good(folder, 6, 2)
    write_wav(folder / "constant.wav", np.full(16_000, 0.25))
    write_wav(folder / "square.wav", np.sign(noise(9)))
    write_wav(folder / "faint.wav", 1e-5 * noise(9), subtype="FLOAT")
    write_wav(folder / "huge.wav", np.full(16_000, 1e30) * noise(9)[:, 0], subtype="FLOAT")
    clips = clips_of(folder)
    store = extract_features([folder], clips, LogMel(), tmp_path / "store")
    assert [clip.path for clip in store.clips] == [f"good{i}.wav" for i in range(6)]
    assert {one.path: one.kind for one in FeatureStore.open(tmp_path / "store").skipped} == {
        "silent0.wav": "silent",
        "silent1.wav": "silent",
        "constant.wav": "constant",
        "square.wav": "clipped",
        "faint.wav": "nearly_empty",
        "huge.wav": "too_large",
    }
    assert "6 recordings left out as useless (silent: 2, " in capsys.readouterr().err


def test_more_than_half_useless_training_recordings_fail_with_one_line(tmp_path: Path) -> None:
    clips = useless_among_good(tmp_path / "half", 3, 3)
    assert len(extract_features([tmp_path / "half"], clips, LogMel(), tmp_path / "a").clips) == 3
    clips = useless_among_good(tmp_path / "most", 3, 4)
    with pytest.raises(DatasetError, match=r"4 of 7 training recordings are useless \(silent: 4\)"):
        extract_features([tmp_path / "most"], clips, LogMel(), tmp_path / "b")


def test_labelled_sounds_may_be_padded_with_silence(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    padded = noise(0)
    padded[4_000:] = 0.0
    write_wav(folder / "a.wav", padded)
    write_wav(folder / "b.wav", noise(1))
    for allowed, expected in ((False, ["b.wav"]), (True, ["a.wav", "b.wav"])):
        store = extract_features(
            [folder], clips_of(folder), LogMel(), tmp_path / "store", padded=allowed
        )
        assert [clip.path for clip in store.clips] == expected


def test_recordings_that_were_cut_off_are_used_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    for name in ("a.wav", "b.wav"):
        write_wav(folder / name, noise(0))
    content = (folder / "a.wav").read_bytes()
    (folder / "a.wav").write_bytes(content[:20_000])
    store = extract_features([folder], clips_of(folder), LogMel(), tmp_path / "store")
    assert [one.missing_seconds > 0 for one in store.measured] == [True, False]
    assert "1 recording shorter than the header says, the first is a.wav" in (
        capsys.readouterr().err
    )


def test_clips_are_measured_as_they_were_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write_wav(folder / "a.wav", noise(0, 48_000), rate=48_000)
    clips = [Clip(path="a.wav", recording="a", source="set", start=0.25, end=0.75)]
    store = extract_features([folder], clips, LogMel(sample_rate=16_000), tmp_path / "store")
    (found,) = FeatureStore.open(tmp_path / "store").measured
    samples, rate = soundfile.read(folder / "a.wav", dtype="float32")
    expected = measure(samples[12_000:36_000], rate).with_bands(store.clip_frames(0))
    assert found.to_row() == pytest.approx(expected.to_row())
