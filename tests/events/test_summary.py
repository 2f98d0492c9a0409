from pathlib import Path
from typing import Any

import pytest

from stethoscope.events.summary import closing_lines

OFTEN = {"false_per_hour": 12.34, "false_per_hour_low": 1.494, "false_per_hour_high": 44.575}


def summary(auc: float | None, delay: float | None, verdict: str) -> dict[str, Any]:
    events = {"f1": 0.8, "hits": 3, "missed": 1, **OFTEN, "delay": delay}
    network = {"test": {"windows": {"auc": auc}, "events": events}}
    return {
        "evaluation": {"networks": {"int8": network}, "skipped": []},
        "memory": {"model_flash": 5480, "arena": 5072, "verdicts": {"ESP32": verdict}},
    }


@pytest.mark.parametrize(
    ("auc", "delay", "cells"),
    [
        (
            0.97,
            0.341,
            ["0.970", "0.800", "3", "of", "4", "12.3", "(1.5", "to", "44.6)", "0.34", "s"],
        ),
        (None, None, ["n/a", "0.800", "3", "of", "4", "12.3", "(1.5", "to", "44.6)", "n/a"]),
    ],
)
def test_every_network_has_a_row(auc: float | None, delay: float | None, cells: list[str]) -> None:
    lines = closing_lines(summary(auc, delay, "fits"), Path("out"))
    assert lines[1].split() == ["int8", *cells]


@pytest.mark.parametrize(
    ("verdict", "boards"), [("fits, 90 % free", "ESP32"), ("needs more RAM", "no board")]
)
def test_memory_names_the_boards_that_it_fits(verdict: str, boards: str) -> None:
    lines = closing_lines(summary(0.9, 0.1, verdict), Path("out"))
    assert f"int8: 5,480 bytes of flash, 5,072 bytes of arena; fits {boards}" in lines


def test_false_events_in_background_have_a_column() -> None:
    given = summary(0.97, 0.341, "fits")
    given["evaluation"]["networks"]["int8"]["test"]["background"] = {
        "false_per_hour": 0.0,
        "false_per_hour_low": 0.0,
        "false_per_hour_high": 1.844,
    }
    lines = closing_lines(given, Path("out"))
    assert lines[0].endswith("false per hour of background")
    assert lines[1].endswith("0.0 (0.0 to 1.8)")
