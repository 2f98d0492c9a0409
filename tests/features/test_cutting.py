from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets import archives
from stethoscope.datasets.alterations import altered
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.datasets.splits import Cutting
from stethoscope.features.extract import Extraction, extract_features, extract_together
from stethoscope.progress import given_warnings
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc

RATE = 8000
FEATURE = LogMel(n_mels=16, sample_rate=4000)


def record(path: Path, seconds: float, seed: int = 0, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * RATE), channels))
    soundfile.write(path, noise, RATE, subtype="PCM_16")


def spans(clips: list[Clip]) -> list[tuple[str, float, float]]:
    return [(clip.path, clip.start, clip.end) for clip in clips]


@pytest.mark.parametrize("large", [False, True], ids=["decoded as a whole", "read in parts"])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_cut_clip_has_the_frames_of_the_same_seconds_in_a_file_of_their_own(
    large: bool, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(archives, "LARGE_BYTES", 1000)
    record(tmp_path / f"set/a.{suffix}", 6.2, channels=2)
    record(tmp_path / f"set/b.{suffix}", 2.9, seed=1, channels=2)
    record(tmp_path / f"set/c.{suffix}", 2.9, seed=2, channels=2)
    table = index([tmp_path / "set"])
    store = extract_features(
        [tmp_path / "set"], table, FEATURE, tmp_path / "cut", cutting=Cutting.of(table, 2.0)
    )
    assert spans(store.clips) == [
        (f"a.{suffix}", 0.0, pytest.approx(6.2 / 3, abs=1e-3)),
        (f"a.{suffix}", pytest.approx(6.2 / 3, abs=1e-3), pytest.approx(12.4 / 3, abs=1e-3)),
        (f"a.{suffix}", pytest.approx(12.4 / 3, abs=1e-3), 6.2),
        (f"b.{suffix}", 0.0, 0.0),
        (f"c.{suffix}", 0.0, 0.0),
    ]
    assert len({(clip.recording, clip.split) for clip in store.clips}) == 3
    for number, clip in enumerate(store.clips):
        samples, _ = soundfile.read(tmp_path / "set" / clip.path, dtype="int16")
        first, last = round(clip.start * RATE), round(clip.end * RATE) or len(samples)
        record(tmp_path / f"parts/{number}.wav", 1.0)
        soundfile.write(tmp_path / f"parts/{number}.wav", samples[first:last], RATE)
    table = index([tmp_path / "parts"])
    parts = extract_features([tmp_path / "parts"], table, FEATURE, tmp_path / "parts-store")
    for number in range(5):
        np.testing.assert_array_equal(store.clip_frames(number), parts.clip_frames(number))


def test_both_stores_cut_alike(tmp_path: Path) -> None:
    for number in range(6):
        record(tmp_path / f"set/faulty/{number}.wav", 4.5, seed=number)
        record(tmp_path / f"set/normal/{number}.wav", 7.0, seed=10 + number)
    table = index([tmp_path / "set"])
    spectra, cepstra = extract_together(
        [tmp_path / "set"],
        [
            Extraction(clips=table, feature=FEATURE, folder=tmp_path / "a"),
            Extraction(
                clips=altered(table, ["noise 0.005"]), feature=Mfcc(), folder=tmp_path / "b"
            ),
        ],
        cutting=Cutting.of(table, 2.0),
    )
    unaltered = [replace(clip) for clip in cepstra.clips if not clip.augmentation]
    assert len(cepstra.clips) == 2 * len(unaltered) == 2 * 6 * (2 + 4)
    key = lambda clip: (clip.path, clip.start)  # noqa: E731
    assert sorted(unaltered, key=key) == sorted(spectra.clips, key=key)


def test_labelled_intervals_are_not_cut(tmp_path: Path) -> None:
    record(tmp_path / "set/a.wav", 9.0)
    rows = [
        Clip(path="a.wav", recording="a", source="set", start=1.0, end=3.0),
        Clip(path="a.wav", recording="a", source="set", start=3.0, end=9.0),
    ]
    store = extract_features(
        [tmp_path / "set"], rows, FEATURE, tmp_path / "store", cutting=Cutting.of(rows, 2.0)
    )
    assert spans(store.clips) == spans(rows)


def test_a_lone_recording_is_divided_in_time_and_its_end_is_held_back(tmp_path: Path) -> None:
    record(tmp_path / "set/pump/hour.wav", 60.0)
    table = index([tmp_path / "set"])
    assert [clip.split for clip in table] == ["train"]
    store = extract_features(
        [tmp_path / "set"], table, FEATURE, tmp_path / "store", cutting=Cutting.of(table, 1.0)
    )
    assert [clip.split for clip in store.clips] == ["train"] * 45 + ["test"] * 15
    training = [clip.recording for clip in store.clips[:45]]
    assert training == sorted(training)
    assert len(set(training)) == 10
    assert {clip.recording for clip in store.clips[45:]}.isdisjoint(training)
    assert any("a single normal recording" in warning for warning in given_warnings())


def test_lengths_that_differ_are_warned_about_and_cut_alike(tmp_path: Path) -> None:
    for number, seconds in enumerate((1.0, 2.0, 3.0, 4.0, 5.0, 6.0)):
        record(tmp_path / f"set/{number}.wav", seconds, seed=number)
    table = index([tmp_path / "set"])

    def seconds_of_clips(wanted: float) -> tuple[list[float], bool]:
        before = len(given_warnings())
        cutting = Cutting.of(table, wanted)
        store = extract_features(
            [tmp_path / "set"], table, FEATURE, tmp_path / f"{wanted}", cutting=cutting
        )
        warned = any("dataset_clip_seconds=" in text for text in given_warnings()[before:])
        return [one.seconds for one in store.measured], warned

    lengths, warned = seconds_of_clips(0.0)
    assert warned
    assert lengths == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    lengths, warned = seconds_of_clips(1.0)
    assert not warned
    assert lengths == pytest.approx([1.0] * 21)


def test_a_silent_part_of_a_recording_is_left_out_and_the_rest_is_used(tmp_path: Path) -> None:
    record(tmp_path / "set/a.wav", 6.0)
    record(tmp_path / "set/b.wav", 6.0, seed=1)
    samples, _ = soundfile.read(tmp_path / "set/a.wav")
    samples[2 * RATE : 4 * RATE] = 0.0
    soundfile.write(tmp_path / "set/a.wav", samples, RATE)
    table = index([tmp_path / "set"])
    store = extract_features(
        [tmp_path / "set"], table, FEATURE, tmp_path / "store", cutting=Cutting.of(table, 2.0)
    )
    assert [(clip.path, clip.start) for clip in store.clips] == [
        ("a.wav", 0.0),
        ("a.wav", 4.0),
        *(("b.wav", start) for start in (0.0, 2.0, 4.0)),
    ]
    assert [(one.path, one.kind) for one in store.skipped] == [("a.wav", "silent")]
    assert "a.wav at 2.0 s" in store.skipped[0].reason
