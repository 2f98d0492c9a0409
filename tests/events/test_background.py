"""Recordings without events: divided, drawn for training, and judged."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.audacity import recordings_of
from stethoscope.datasets.background import background_clips
from stethoscope.datasets.clips import Clip, write_clips
from stethoscope.datasets.layouts import index
from stethoscope.events.batches import TrainingBatches
from stethoscope.events.evaluate import evaluate_events
from stethoscope.events.options import EventFit
from stethoscope.events.report.page import write_event_report
from stethoscope.events.windows import BACKGROUND, PARTS, LabelledWindows
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_csv, read_json, write_json
from stethoscope.sound.bands import BandSpectrum
from tests.sounds import beeps

Prepared = tuple[FeatureStore, list[Clip], list[Path]]


@pytest.fixture(scope="module")
def prepared(beep_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The recordings with beeps, and five places; in one of them something beeps."""
    places = tmp_path_factory.mktemp("background") / "places"
    for number in range(5):
        beeps(places, f"{number}", number, seconds=6.0)
        if number != 3:
            noise = 0.02 * np.random.default_rng(number).standard_normal(6 * 16000)
            soundfile.write(places / f"audio_{number}.wav", noise, 16000, subtype="PCM_16")
    table = [*index([beep_folder]), *background_clips([places])]
    archives = [beep_folder, places]
    store = extract_features(
        archives, recordings_of(table), BandSpectrum(), places.parent / "store", min_frames=32
    )
    write_clips(places.parent / "clips.csv", table)
    return store, table, archives


def test_background_is_divided_apart_from_the_recordings(
    prepared: Prepared, store: FeatureStore, table: list[Clip]
) -> None:
    with_background = LabelledWindows.cut(prepared[0], prepared[1], EventFit())
    alone = LabelledWindows.cut(store, table, EventFit())
    for part in PARTS:
        assert (with_background.of(part) == alone.of(part)).all(), "the division stays the same"
    clips = [set(with_background.clip[with_background.of(part)]) for part in BACKGROUND]
    assert [len(one) for one in clips] == [3, 1, 1]
    background = np.concatenate([with_background.of(part) for part in BACKGROUND])
    assert not with_background.label[background].any()


def test_one_long_recording_of_a_place_is_divided_in_time(prepared: Prepared) -> None:
    store, table, _ = prepared
    joined = replace(store, clips=[replace(clip, recording=clip.source) for clip in store.clips])
    joined = replace(
        joined,
        clips=[
            clip if one.condition == "noise" else one
            for clip, one in zip(joined.clips, store.clips, strict=True)
        ],
    )
    windows = LabelledWindows.cut(joined, table, EventFit())
    sizes = [len(windows.of(part)) for part in BACKGROUND]
    assert np.array(sizes) / sum(sizes) == pytest.approx([0.6, 0.2, 0.2], abs=0.02)
    assert windows.of(BACKGROUND[0]).max() < windows.of(BACKGROUND[2]).min()


def test_epoch_has_windows_of_both(prepared: Prepared) -> None:
    store, table, _ = prepared
    fit = EventFit(augmentation=False)
    windows = LabelledWindows.cut(store, table, fit)
    batches = TrainingBatches(
        store, windows, fit, (0.0, 1.0), per_epoch=(100, 60), weights=(1.0, 1.0)
    )
    order = batches.draw_order()
    parts = windows.part[order]
    assert (parts == 0).sum() == 100
    assert (parts == len(PARTS)).sum() == 60
    assert len(set(order)) == 160


def test_false_events_in_background_are_counted_and_shown(
    prepared: Prepared, beep_parts: Path, tmp_path: Path
) -> None:
    _, _, archives = prepared
    folder = Path(archives[1]).parent
    model = tmp_path / "model"
    shutil.copytree(beep_parts / "model", model)
    described = read_json(model / "model.json")
    # With seed 1 the place that beeps is in the test part.
    seed = next(seed for seed in range(20) if _tested_place(prepared, seed) == "audio_3.wav")
    described["fit"] |= {"seed": seed, "false_per_hour": 1.0}
    write_json(model / "model.json", described)
    report = evaluate_events(folder / "store", folder / "clips.csv", model, tmp_path / "results")
    figures = report["networks"]["float"]["test"]["background"]
    rows = list(read_csv(tmp_path / "results" / "events.csv"))
    false = [row for row in rows if row["path"] == "audio_3.wav" and row["outcome"] == "false"]
    assert figures["false_events"] >= len(false) > 1
    assert figures["hours"] == pytest.approx(6 / 3600, rel=0.05)
    assert figures["false_per_hour"] == pytest.approx(figures["false_events"] / figures["hours"])
    assert figures["false_per_hour_low"] < figures["false_per_hour"]
    assert any("event_false_per_hour is 1" in text for text in report["warnings"])
    write_event_report(
        tmp_path / "report.html",
        archives=archives,
        features=folder / "store",
        clips=folder / "clips.csv",
        model=model,
        results=tmp_path / "results",
    )
    page = (tmp_path / "report.html").read_text()
    assert "of background that was kept apart" in page
    assert "Background: false per hour" in page


def _tested_place(prepared: Prepared, seed: int) -> str:
    windows = LabelledWindows.cut(prepared[0], prepared[1], EventFit(seed=seed))
    clip = windows.clip[windows.of("background-test")][0]
    return prepared[0].clips[int(clip)].path
