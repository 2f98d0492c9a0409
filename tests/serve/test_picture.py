import base64
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from tests.serve.helpers import post


def test_picture_shows_the_frames_and_their_deviation(
    service: str, fan_bundle: Path, recordings: list[Path]
) -> None:
    answer = post(
        service, recordings[0].read_bytes(), recordings[0].name, params={"picture": "true"}
    ).json()
    picture = answer["Picture"]
    inference = Inference(Bundle.open(fan_bundle))
    frames = inference.frames(recordings[0])
    deviation = uniform_filter(
        inference.bundle.detector.deviation(frames, "fan/00"), (5, 3), mode="reflect"
    )
    assert (picture["Columns"], picture["Bands"]) == frames.shape
    assert picture["Seconds"] == pytest.approx(1.0, abs=0.05)
    assert picture["Frequencies"] == sorted(picture["Frequencies"])
    for name, expected in (("Spectrogram", frames), ("Deviation", deviation)):
        painted = np.frombuffer(base64.b64decode(picture[name]), np.uint8).reshape(
            picture["Bands"], picture["Columns"]
        )
        loudest = np.unravel_index(expected.argmax(), expected.shape)
        assert painted[loudest[1], loudest[0]] == 255
        shown = (painted.T > 0) & (painted.T < 255)
        assert np.corrcoef(painted.T[shown], expected[shown])[0, 1] > 0.99
