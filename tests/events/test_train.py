from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.audacity import recordings_of
from stethoscope.datasets.clips import Clip, write_clips
from stethoscope.datasets.layouts import index
from stethoscope.events.evaluate import evaluate_events
from stethoscope.events.model import EventDetector
from stethoscope.events.options import EventFit
from stethoscope.events.train import train_events
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json
from stethoscope.sound.bands import BandSpectrum

pytestmark = pytest.mark.slow


def test_augmented_training_keeps_the_epoch_of_the_lowest_validation_loss(
    store: FeatureStore, table: list[Clip], tmp_path: Path
) -> None:
    fit = EventFit(
        filters=(4, 4), strides=(1, 2), dropout=0.1, augmentation=True, epochs=3, batch_size=32
    )
    trained = train_events(store, table, fit, tmp_path / "model")
    losses = trained.curves["val_loss"]
    assert len(losses) == 3
    assert losses[trained.best_epoch - 1] == min(losses)
    assert trained.metrics()["val_loss"] == min(losses)
    described = read_json(tmp_path / "model" / "model.json")
    assert described["labels"] == ["Beep"]
    assert described["fit"]["filters"] == [4, 4]


def test_frames_are_normalised_by_the_training_recordings(
    store: FeatureStore, beep_parts: Path
) -> None:
    """Mean and deviation of the model against numpy, over the recordings of the training part."""
    described = read_json(beep_parts / "model" / "model.json")
    order = np.random.default_rng(0).permutation(8)
    frames = np.concatenate([store.clip_frames(clip) for clip in sorted(order[:5])])
    assert described["mean"] == pytest.approx(frames.mean(), rel=1e-4)
    assert described["deviation"] == pytest.approx(frames.std(), rel=1e-4)


def write_hoots(folder: Path, number: int, rng: np.random.Generator) -> None:
    """Write hoots of 0.4 to 2.5 s at 8 kHz in noise of varying level, and their labels."""
    durations, gaps = rng.uniform(0.4, 2.5, 6), rng.uniform(0.5, 3.0, 7)
    starts = np.cumsum(gaps[:-1]) + np.concatenate([[0], np.cumsum(durations[:-1])])
    time = np.arange(round((starts[-1] + durations[-1] + gaps[-1]) * 8000)) / 8000
    samples = 0.03 * rng.standard_normal(len(time)) * (1 + np.sin(2 * np.pi * 0.3 * time))
    lines = []
    for start, seconds in zip(starts, durations, strict=True):
        inside = (time >= start) & (time < start + seconds)
        samples[inside] += 0.1 * np.sin(2 * np.pi * 900 * time[inside])
        lines.append(f"{start:.4f}\t{start + seconds:.4f}\tHoot\n")
    soundfile.write(folder / f"audio_{number}.wav", samples, 8000, subtype="PCM_16")
    (folder / f"label_{number}.txt").write_text("".join(lines))


def test_events_of_many_lengths_at_another_sample_rate_are_found(tmp_path: Path) -> None:
    """The expected lengths come from the labels."""
    rng = np.random.default_rng(0)
    for number in range(8):
        write_hoots(tmp_path, number, rng)
    table = index([tmp_path])
    feature = BandSpectrum(sample_rate=0, n_fft=128, hop_length=64, n_bands=24)
    store = extract_features(
        [tmp_path], recordings_of(table), feature, tmp_path / "store", min_frames=32
    )
    write_clips(tmp_path / "clips.csv", table)
    train_events(store, table, EventFit(epochs=8, batch_size=32), tmp_path / "model")
    [one] = EventDetector.open(tmp_path / "model").classes
    assert 0.3 < one.decoder.spread < 1.2
    evaluation = evaluate_events(
        tmp_path / "store", tmp_path / "clips.csv", tmp_path / "model", tmp_path / "results"
    )
    for network in ("float", "int8"):
        assert evaluation["networks"][network]["test"]["events"]["f1"] > 0.9
