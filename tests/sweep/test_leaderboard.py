import csv
import itertools
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stethoscope.detection.scores import ScoredClip, write_scores
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
        "3 of 4 runs succeeded. Highest: seed=1, mean AUC 0.750 over 2 machines; not "
        "distinguishable from it on these clips: seed=2." in board.headline()
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
    cells = [f"items/{name}/report.html" for name in ("fan-1", "fan-2", "pump-1")]
    assert links.found == ["#settings", "#matrix", "#runs", *cells, *reports]
    assert (tmp_path / "out" / "items" / "pump-2" / "result.json").is_file()


def scored(path: Path, shift: float, seed: int) -> None:
    """Scores of 60 normal and 60 anomalous clips whose means lie `shift` apart."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=120) + np.repeat([0.0, shift], 60)
    write_scores(
        path,
        [
            ScoredClip(
                path=f"{number}.wav",
                machine_id="00",
                condition="anomaly" if number >= 60 else "normal",
                score=float(score),
                threshold=0.0,
                decision=False,
            )
            for number, score in enumerate(scores)
        ],
    )


@pytest.mark.parametrize(
    ("shift", "words"), [(1.0, "not distinguishable from it"), (-1.0, "Best setting: seed=1")]
)
def test_setting_is_best_only_where_the_others_are_worse_by_more_than_chance(
    tmp_path: Path, shift: float, words: str
) -> None:
    items = []
    for machine, (number, own) in itertools.product(("fan", "pump"), [(1, 1.0), (2, shift)]):
        folder = tmp_path / "in" / f"{machine}-{number}"
        folder.mkdir(parents=True)
        scored(folder / "scores.csv", own, seed=number)
        one = result(folder.name, {"seed": number}, 0.8 if number == 1 else 0.79)
        (folder / "result.json").write_text(json.dumps(one))
        items.append(folder)
    board = write_leaderboard(items, tmp_path / "out")
    assert words in board.headline()
    [found] = board.comparisons.values()
    assert found["beyond_chance"] == (shift < 0)
    saved = json.loads((tmp_path / "out" / "leaderboard.json").read_text())
    assert words in Leaderboard(saved["items"], saved["comparisons"]).headline()


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs)["href"])
