from pathlib import Path

import pytest

from stethoscope.edge.events import export_events
from stethoscope.errors import ModelError
from stethoscope.files import read_json, write_json


def test_export_is_refused_if_the_int8_network_loses_too_much(
    beep_parts: Path, tmp_path: Path
) -> None:
    evaluation = read_json(beep_parts / "results" / "evaluation.json")
    (tmp_path / "results").mkdir()
    write_json(tmp_path / "results" / "evaluation.json", {**evaluation, "int8_drop": 0.031})
    with pytest.raises(
        ModelError, match=r"falls by 0\.0310 on the test recordings, export_max_drop allows 0\.02"
    ):
        export_events(beep_parts / "model", tmp_path / "results", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
