from pathlib import Path
from typing import Any

import pytest

from stethoscope.events.summary import closing_lines


def summary(auc: float | None, delay: float | None, verdict: str) -> dict[str, Any]:
    events = {"f1": 0.8, "hits": 3, "missed": 1, "false_per_hour": 12.34, "delay": delay}
    network = {"test": {"windows": {"auc": auc}, "events": events}}
    return {
        "evaluation": {"networks": {"int8": network}, "skipped": []},
        "memory": {"model_flash": 5480, "arena": 5072, "verdicts": {"ESP32": verdict}},
    }


@pytest.mark.parametrize(
    ("auc", "delay", "cells"),
    [
        (0.97, 0.341, ["0.970", "0.800", "3", "of", "4", "12.3", "0.34", "s"]),
        (None, None, ["n/a", "0.800", "3", "of", "4", "12.3", "n/a"]),
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
