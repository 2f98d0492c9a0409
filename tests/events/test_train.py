from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.classification.options import whole_numbers
from stethoscope.datasets.audacity import recordings_of
from stethoscope.datasets.clips import read_clips, write_clips
from stethoscope.datasets.layouts import index
from stethoscope.edge.events import export_events
from stethoscope.errors import DatasetError, ModelError, ParameterError
from stethoscope.events.architecture import build
from stethoscope.events.evaluate import evaluate_events
from stethoscope.events.model import EventDetector
from stethoscope.events.options import EventFit
from stethoscope.events.train import train_events
from stethoscope.events.windows import PARTS, LabelledWindows
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_json
from stethoscope.sound.bands import BandSpectrum


@pytest.fixture
def store(beep_parts: Path) -> FeatureStore:
    return FeatureStore.open(beep_parts / "store")


def test_the_network_is_the_fields_teaching_example() -> None:
    network = build(EventFit(), 48)
    assert network.count_params() == 1585
    assert [layer.__class__.__name__ for layer in network.layers] == [
        "InputLayer",
        "Conv1D",
        "Conv1D",
        "Flatten",
        "Dense",
    ]


def test_no_recording_is_heard_in_two_parts(store: FeatureStore, beep_parts: Path) -> None:
    table = read_clips(beep_parts / "clips.csv")
    for seed in range(5):
        windows = LabelledWindows.cut(store, table, EventFit(seed=seed))
        heard = {part: set(windows.clip[windows.of(part)]) for part in PARTS}
        assert [len(heard[part]) for part in PARTS] == [5, 1, 2]
        assert len(set.union(*heard.values())) == 8


def test_windows_in_order_are_divided_60_20_20(store: FeatureStore, beep_parts: Path) -> None:
    windows = LabelledWindows.cut(
        store, read_clips(beep_parts / "clips.csv"), EventFit(division="sequential")
    )
    assert (np.diff(windows.part) >= 0).all()
    shares = [len(windows.of(part)) / len(windows.clip) for part in PARTS]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.01)


def test_labels_and_frames_belong_together(store: FeatureStore, beep_parts: Path) -> None:
    """A beep at 1.8 kHz stands out in band 28 of windows inside it."""
    windows = LabelledWindows.cut(store, read_clips(beep_parts / "clips.csv"), EventFit())
    inside, outside = (
        windows.gather(store, np.flatnonzero(windows.label == label), 32)[:, :, 28]
        for label in (1, 0)
    )
    assert inside.min() > 5.0
    assert inside.mean() > outside.mean() + 2


def test_what_was_learnt_is_measured(beep_parts: Path) -> None:
    evaluation = read_json(beep_parts / "results" / "evaluation.json")
    for network in ("float", "int8"):
        test = evaluation["networks"][network]["test"]
        assert test["windows"]["auc"] > 0.97
        assert test["events"]["f1"] > 0.9
        assert 0 < test["events"]["delay"] < 0.6
    assert abs(evaluation["int8_drop"]) < 0.02


def test_another_word_in_the_labels_is_told(store: FeatureStore, beep_parts: Path) -> None:
    with pytest.raises(DatasetError, match="no interval is labelled Knock; labels there are: Beep"):
        LabelledWindows.cut(store, read_clips(beep_parts / "clips.csv"), EventFit(positive="Knock"))


def test_too_few_recordings_are_told(store: FeatureStore, beep_parts: Path) -> None:
    few = replace(
        store, clips=store.clips[:2], first_frame=store.first_frame[:2], n_frames=store.n_frames[:2]
    )
    with pytest.raises(DatasetError, match="give at least 3, or set event_division=sequential"):
        LabelledWindows.cut(few, read_clips(beep_parts / "clips.csv"), EventFit())


def test_events_that_are_shorter_than_a_window_are_told(
    store: FeatureStore, beep_parts: Path
) -> None:
    with pytest.raises(
        DatasetError, match="no window inside an event; give more recordings, or shorter windows"
    ):
        LabelledWindows.cut(store, read_clips(beep_parts / "clips.csv"), EventFit(window=100))


def test_augmented_training_learns_as_well(
    store: FeatureStore, beep_parts: Path, tmp_path: Path
) -> None:
    fit = EventFit(
        filters=(4, 4), strides=(1, 2), dropout=0.1, augmentation=True, epochs=3, batch_size=32
    )
    trained = train_events(store, read_clips(beep_parts / "clips.csv"), fit, tmp_path / "model")
    assert len(trained.curves["loss"]) == 3
    assert trained.curves["val_loss"][trained.best_epoch - 1] == min(trained.curves["val_loss"])
    assert trained.parameters == 3 * 48 * 4 + 4 + 3 * 4 * 4 + 4 + 14 * 4 + 1


def test_an_export_that_hears_worse_is_refused(beep_parts: Path, tmp_path: Path) -> None:
    evaluation = read_json(beep_parts / "results" / "evaluation.json")
    (tmp_path / "results").mkdir()
    write_json(tmp_path / "results" / "evaluation.json", {**evaluation, "int8_drop": 0.031})
    with pytest.raises(
        ModelError, match=r"falls by 0\.0310 on the test recordings, export_max_drop allows 0\.02"
    ):
        export_events(beep_parts / "model", tmp_path / "results", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 4},
        {"filters": ()},
        {"strides": (1, 1, 1)},
        {"stride": 40},
        {"dropout": 1.0},
        {"division": "random"},
        {"patience": 0},
        {"hold_off": 0},
        {"interval": 0.0},
        {"tolerance": -1.0},
    ],
)
def test_parameters_that_cannot_work_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=f"event_{next(iter(wrong))}"):
        EventFit(**wrong)  # type: ignore[arg-type]


def test_numbers_are_read_from_text() -> None:
    assert whole_numbers("8, 16", "event_filters") == (8, 16)
    with pytest.raises(ParameterError, match="event_filters is '8,x'"):
        whole_numbers("8,x", "event_filters")


def test_events_of_all_lengths_are_learned_at_another_rate_under_another_name(
    tmp_path: Path,
) -> None:
    """Hoots of 0.4 to 2.5 s at 8 kHz among noise that comes and goes; what is expected of their
    length comes from their labels.
    """
    rng = np.random.default_rng(0)
    for number in range(10):
        lasts, gaps = rng.uniform(0.4, 2.5, 6), rng.uniform(0.5, 3.0, 7)
        starts = np.cumsum(gaps[:-1]) + np.concatenate([[0], np.cumsum(lasts[:-1])])
        time = np.arange(round((starts[-1] + lasts[-1] + gaps[-1]) * 8000)) / 8000
        samples = 0.03 * rng.standard_normal(len(time)) * (1 + np.sin(2 * np.pi * 0.3 * time))
        for start, seconds in zip(starts, lasts, strict=True):
            on = (time >= start) & (time < start + seconds)
            samples[on] += 0.1 * np.sin(2 * np.pi * 900 * time[on])
        soundfile.write(tmp_path / f"audio_{number}.wav", samples, 8000, subtype="PCM_16")
        rows = zip(starts, lasts, strict=True)
        (tmp_path / f"label_{number}.txt").write_text(
            "".join(f"{a:.4f}\t{a + s:.4f}\tHoot\n" for a, s in rows)
        )
    table = index([tmp_path])
    feature = BandSpectrum(sample_rate=0, n_fft=128, hop_length=64, n_bands=24)
    store = extract_features(
        [tmp_path], recordings_of(table), feature, tmp_path / "store", min_frames=32
    )
    write_clips(tmp_path / "clips.csv", table)
    train_events(store, table, EventFit(epochs=12, batch_size=32), tmp_path / "model")
    decoder = EventDetector.open(tmp_path / "model").decoder
    assert 0.3 < decoder.spread < 1.2
    evaluation = evaluate_events(
        tmp_path / "store", tmp_path / "clips.csv", tmp_path / "model", tmp_path / "results"
    )
    for network in ("float", "int8"):
        assert evaluation["networks"][network]["test"]["events"]["f1"] > 0.9
