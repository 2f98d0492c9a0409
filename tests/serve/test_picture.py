import base64
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.edit import set_thresholds
from stethoscope.bundle.inference import Inference
from stethoscope.serve.picture import draw_picture
from tests.serve.helpers import post, wav


def painted(picture: dict[str, Any], name: str) -> np.ndarray:
    """Return the values of a picture [shape=(bands, columns)]."""
    values = np.frombuffer(base64.b64decode(picture[name]), np.uint8)
    return values.reshape(picture["Bands"], picture["Columns"])


def test_picture_shows_the_frames_and_what_made_the_score(
    fan_bundle: Path, recordings: list[Path], tmp_path: Path
) -> None:
    """On a fixed logarithmic scale; a recording that is not anomalous is dark everywhere."""
    folder = shutil.copytree(fan_bundle, tmp_path / "bundle")
    for rate, anomalous in ((0.999, True), (1e-6, False)):
        bundle = Bundle.open(folder)
        set_thresholds(bundle, bundle.thresholds.with_false_alarm_rate(rate))
        inference = Inference(Bundle.open(folder))
        content = recordings[0].read_bytes()
        verdict = inference.verdict(content, name=recordings[0].name)
        assert verdict.anomaly == anomalous
        picture = draw_picture(inference, content, verdict)
        frames = inference.frames(content)
        assert (picture["Columns"], picture["Bands"]) == frames.shape
        assert picture["Seconds"] == pytest.approx(1.0, abs=0.05)
        assert picture["Frequencies"] == sorted(picture["Frequencies"])
        spectrogram = painted(picture, "Spectrogram").T
        shown = (spectrogram > 0) & (spectrogram < 255)
        assert np.corrcoef(spectrogram[shown], frames[shown])[0, 1] > 0.99
        evidence = inference.bundle.detector.evidence(frames, verdict.machine)
        unit = inference.bundle.thresholds.unit(verdict.machine)
        strengths = uniform_filter(evidence.above(verdict.threshold, unit), (5, 3), mode="reflect")
        expected = 255 * np.clip(np.log2(np.maximum(strengths, 1e-9)) / 6, 0, 1)
        np.testing.assert_allclose(painted(picture, "Deviation").T, expected, atol=1.0)
        assert painted(picture, "Deviation").any() == anomalous


def test_picture_of_a_long_recording_shows_what_made_the_scores_of_its_anomalous_windows(
    fan_bundle: Path,
) -> None:
    inference = Inference(Bundle.open(fan_bundle))
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.standard_normal(16_000)
    whistle = noise + 0.3 * np.sin(np.arange(16_000))
    content = wav(np.concatenate([noise, np.zeros(16_000), whistle]), subtype="FLOAT")
    verdict = inference.verdict(content, window=1.0)
    assert verdict.timeline is not None
    exceeds = [s is not None and s > verdict.threshold for s in verdict.timeline.scores]
    assert exceeds[1:] == [False, True]  # silence cannot be judged
    picture = draw_picture(inference, content, verdict)
    columns = painted(picture, "Deviation").any(axis=0)
    thirds = np.array_split(columns, 3)
    assert picture["Seconds"] == pytest.approx(3.0, abs=0.05)
    assert thirds[2].mean() > 0.8
    assert not thirds[1][4:-4].any()
    assert thirds[0][:-4].any() == exceeds[0]


def test_the_service_answers_the_picture_that_was_asked_for(
    service: str, recordings: list[Path]
) -> None:
    content, name = recordings[0].read_bytes(), recordings[0].name
    picture = post(service, content, name, params={"picture": "true"}).json()["Picture"]
    assert painted(picture, "Spectrogram").any()
    assert picture["Parts"] == {}
    assert "Picture" not in post(service, content, name).json()
