"""The one pass over the recordings."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.datasets.prepare import archives_in
from stethoscope.diagnosis.clips import clips_to_compare
from stethoscope.features import jobs
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.monitoring.extract import MOST_NORMAL, extract_recordings
from stethoscope.report.media import clip_key, read_excerpts
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc


def run(archives: list[Path], clips: list[Clip], folder: Path, **options: object) -> FeatureStore:
    given = {"log_mel": LogMel(), "cepstrum": Mfcc(), **options}
    folders = {name: folder / name for name in ("features", "cepstra", "sounds")}
    return extract_recordings(archives, clips, **folders, **given)[1]  # type: ignore[arg-type]


def test_both_stores_are_those_of_separate_passes_and_each_recording_is_decoded_once(
    fan_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips, decoded = index([fan_archive]), []
    once = jobs.decode
    monkeypatch.setattr(jobs, "decode", lambda *a, **k: decoded.append(k["name"]) or once(*a, **k))
    run([fan_archive], clips, tmp_path)
    assert sorted(decoded) == sorted(clip.path for clip in clips)
    for name, chosen, feature in (
        ("features", clips, LogMel()),
        ("cepstra", clips_to_compare(clips), Mfcc()),
    ):
        own = extract_features([fan_archive], chosen, feature, tmp_path / f"own-{name}")
        both = FeatureStore.open(tmp_path / name)
        assert both.clips == own.clips
        assert both.measured == own.measured
        np.testing.assert_array_equal(both.frames, own.frames)


def test_what_a_report_may_play_is_kept_sample_by_sample(fan_archive: Path, tmp_path: Path) -> None:
    clips = index([fan_archive])
    run([fan_archive], clips, tmp_path)
    archives = archives_in(tmp_path / "sounds")
    assert [path.name for path in archives] == [fan_archive.name]
    with open_archive(archives[0]) as archive:
        kept = {member.name for member in archive.members()}
    test = {clip.path for clip in clips if clip.split == "test"}
    training = [clip for clip in clips if clip.split == "train"]
    assert kept > test
    assert len(kept - test) == min(MOST_NORMAL * 2, len(training))
    sounds = dict(read_excerpts(archives, {clip_key(c): (0.0, 0.0) for c in clips}))
    with zipfile.ZipFile(fan_archive) as original:
        for (_, path, _), sound in sounds.items():
            samples, rate = soundfile.read(io.BytesIO(original.read(path)), dtype="float32")
            assert sound.rate == rate
            np.testing.assert_array_equal(sound.samples, samples)
    assert archives[0].stat().st_size < 0.8 * fan_archive.stat().st_size


def test_parts_of_a_long_recording_in_another_format_are_kept_one_by_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    samples = 0.1 * rng.standard_normal((9 * 44_100, 2)).astype(np.float32)
    folder = tmp_path / "set"
    folder.mkdir()
    for name, factor in (("loud", 20.0), ("quiet", 1.0)):
        soundfile.write(folder / f"{name}.wav", samples * factor, 44_100, subtype="FLOAT")
    clips = [
        Clip(
            path=f"{name}.wav",
            recording=name,
            machine_type="fan",
            split="test",
            source="set",
            condition=condition,
        )
        for name, condition in (("loud", "anomaly"), ("quiet", "normal"))
    ]
    log_mel = LogMel(channel=1, n_mels=16)
    cepstrum = Mfcc(channel=1, sample_rate=16_000)
    store = run([folder], clips, tmp_path, log_mel=log_mel, cepstrum=cepstrum, clip_seconds=3.0)
    archives = archives_in(tmp_path / "sounds")
    excerpts = {clip_key(c): (c.start + 1.0, c.end) for c in store.clips}
    assert len(excerpts) == 6
    for (_, path, start), sound in read_excerpts(archives, excerpts):
        first = round((start + 1.0) * 44_100)
        expected = samples[first : first + 2 * 44_100, 1] * (20.0 if path == "loud.wav" else 1.0)
        np.testing.assert_allclose(sound.samples, expected, atol=2**-23)
    assert {sound.rate for _, sound in read_excerpts(archives, excerpts)} == {44_100}


def test_without_a_diagnosis_no_cepstra_and_no_training_clips_are_kept(
    fan_archive: Path, tmp_path: Path
) -> None:
    clips = index([fan_archive])
    assert run([fan_archive], clips, tmp_path / "a", diagnoses=False).clips == []
    with open_archive(tmp_path / "a/sounds" / fan_archive.name) as archive:
        kept = {member.name for member in archive.members()}
    assert kept == {clip.path for clip in clips if clip.split == "test"}
    healthy = [replace(clip, condition="normal") for clip in clips]
    assert run([fan_archive], healthy, tmp_path / "b").clips == []
