"""The conversion of an anomaly detector to int8."""

from pathlib import Path

import numpy as np
import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.edge.detector import edge_score, make_edge_detector
from stethoscope.errors import ModelError, ParameterError
from stethoscope.events.model import windows_of
from stethoscope.model.network import Int8Network


def test_int8_score_is_the_mean_error_of_windows_that_do_not_overlap(edge_bundle: Path) -> None:
    network = Int8Network(edge_bundle / "models/detector/fan_int8.tflite")
    frames = np.random.default_rng(0).normal(-20, 5, (13, 32)).astype(np.float32)
    windows = windows_of(frames, 5, 5).reshape(2, 160)
    assert edge_score(network, frames, 5) == pytest.approx(
        np.mean([(network(w[np.newaxis])[0] - w) ** 2 for w in windows])
    )


def test_error_for_an_unknown_machine_names_the_known_types(
    edge_bundle: Path, fan_archive: Path
) -> None:
    with pytest.raises(
        ModelError, match="'pump/00', which the bundle does not know; give one of fan/00"
    ):
        make_edge_detector(Bundle.open(edge_bundle), [fan_archive], machine="pump/00")


def test_impossible_max_drop_is_refused(edge_bundle: Path, fan_archive: Path) -> None:
    with pytest.raises(ParameterError, match="--max-drop is 2; it must be at least 0"):
        make_edge_detector(Bundle.open(edge_bundle), [fan_archive], max_drop=2)
