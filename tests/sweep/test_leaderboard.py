import csv
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from stethoscope.sweep.leaderboard import Leaderboard, write_leaderboard


def result(
    item: str, varied: dict[str, Any], auc: float | None, *, reason: str = "", pauc: float = 0.5
) -> dict[str, Any]:
    figure = {"value": auc, "low": auc and auc - 0.1, "high": auc and auc + 0.1, "reason": ""}
    return {
        "item": item,
        "machine": item.partition("-")[0],
        "varied": varied,
        "parameters": varied,
        "status": "failed" if reason else "succeeded",
        "reason": reason,
        "seconds": 10.0,
        "figures": None
        if reason
        else {"auc": figure, "pauc": {**figure, "value": pauc}, "machines": []},
    }


RESULTS = [
    result("fan-1", {"seed": 1}, 0.6),
    result("fan-2", {"seed": 2}, 0.8),
    result("pump-1", {"seed": 1}, 0.9),
    result("pump-2", {"seed": 2}, None, reason="a | <b> & the archive\nis damaged"),
]


def test_setting_that_succeeded_on_more_machines_stands_first() -> None:
    """Seed 2 has a mean of 0.8, but on one machine; seed 1 has (0.6 + 0.9) / 2 on both."""
    board = Leaderboard(RESULTS)
    assert [(one["varied"], one["machines"]) for one in board.settings] == [
        ({"seed": 1}, 2),
        ({"seed": 2}, 1),
    ]
    assert board.settings[0]["auc"] == pytest.approx(0.75)
    assert board.settings[0]["seconds"] == 20.0
    assert [one["item"] for one in board.results] == ["fan-2", "fan-1", "pump-1", "pump-2"]
    assert (
        "3 of 4 runs succeeded. Best setting: seed=1, mean AUC 0.750 over 2 machines"
        in board.headline()
    )
    assert board.failed == ["pump-2: a | <b> & the archive\nis damaged"]
    assert board.figures()["best_auc"] == pytest.approx(0.75)
    assert board.figures()["failed"] == 1.0
    assert json.dumps(board.figures(), allow_nan=False)


def test_leaderboard_of_failed_runs_alone_has_no_best_setting() -> None:
    board = Leaderboard([result("fan-1", {}, None, reason="x")])
    assert board.headline() == "0 of 1 runs succeeded."
    assert board.figures() == {"failed": 1.0}


def test_written_tables_hold_every_run(tmp_path: Path) -> None:
    for one in RESULTS:
        (tmp_path / "in" / one["item"]).mkdir(parents=True)
        (tmp_path / "in" / one["item"] / "result.json").write_text(json.dumps(one))
    write_leaderboard([tmp_path / "in" / one["item"] for one in RESULTS], tmp_path / "out")
    with (tmp_path / "out" / "leaderboard.csv").open(newline="") as file:
        rows = {row["item"]: row for row in csv.DictReader(file)}
    assert rows["fan-2"]["seed"] == "2"
    assert float(rows["fan-2"]["auc"]) == 0.8
    assert (float(rows["fan-2"]["auc_low"]), float(rows["fan-2"]["auc_high"])) == pytest.approx(
        (0.7, 0.9)
    )
    assert rows["pump-2"]["reason"] == RESULTS[3]["reason"]
    assert rows["pump-2"]["auc"] == ""

    markdown = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "failed: a \\| <b> & the archive is damaged |" in markdown
    page = (tmp_path / "out" / "leaderboard.html").read_text()
    assert "<b>" not in page
    links = Links()
    links.feed(page)
    reports = [f"items/{name}/report.html" for name in ("fan-2", "fan-1", "pump-1")]
    assert links.found == ["#settings", "#runs", *reports]
    assert (tmp_path / "out" / "items" / "pump-2" / "result.json").is_file()


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs)["href"])
