from pathlib import Path
from typing import Any

from stethoscope.sweep.leaderboard import Leaderboard
from stethoscope.sweep.summary import closing_lines


def result(item: str, seed: int, auc: float | None, reason: str = "") -> dict[str, Any]:
    area = {"value": auc, "low": None, "high": None, "reason": ""}
    return {
        "item": item,
        "machine": item.partition("-")[0],
        "varied": {"seed": seed},
        "parameters": {"seed": seed},
        "status": "failed" if reason else "succeeded",
        "reason": reason,
        "seconds": 10.4,
        "figures": None if reason else {"auc": area, "pauc": area, "machines": []},
    }


def test_closing_lines_show_every_run_and_what_failed() -> None:
    results = [result("fan-1", 1, 0.8), result("pump-2", 2, None, "the archive is damaged")]
    summary = {"leaderboard": Leaderboard(results).to_json()}
    lines = closing_lines(summary, Path("out"))
    assert lines[0].split() == ["machine", "AUC", "pAUC", "seconds", "setting"]
    assert lines[1].split() == ["fan", "0.800", "0.800", "10", "seed=1"]
    assert lines[2].split() == ["pump", "n/a", "n/a", "10", "seed=2", "failed"]
    assert "failed: pump-2: the archive is damaged" in lines
    assert lines[-1] == f"Leaderboard: {Path('out') / 'leaderboard.html'}"
