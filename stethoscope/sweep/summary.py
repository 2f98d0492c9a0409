"""The folder of results of a sweep.

::

    DIR/
        leaderboard.html, leaderboard.md, leaderboard.csv, leaderboard.json
        items/<item>/           the folder of results of each run
        summary.json, run.log   settings, figures and warnings; what the steps printed
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stethoscope.kubeflow.results import Results
from stethoscope.sweep.leaderboard import Leaderboard, describe_setting, figure_of
from stethoscope.terminal import decimal, text_table, typed_path

_MOST_REPORTS = 12
"""Reports that are named at the end; the leaderboard links to all."""


def closing_lines(summary: Mapping[str, Any], folder: Path) -> list[str]:
    """Return what is printed at the end of a sweep: every run, the best setting, the failures."""
    found = summary["leaderboard"]
    board = Leaderboard(found["items"], found.get("comparisons", {}))
    rows = [
        [
            one["machine"],
            decimal(figure_of(one, "auc")),
            decimal(figure_of(one, "pauc")),
            decimal(one["seconds"], digits=0),
            describe_setting(one["varied"]) + ("" if one["figures"] else "  failed"),
        ]
        for one in board.results
    ]

    def report_of(result: Mapping[str, Any]) -> str:
        return typed_path(folder / "items" / result["item"] / "report.html")

    return [
        *text_table([("machine", "AUC", "pAUC", "seconds", "setting"), *rows], align="<>>><"),
        "",
        board.headline(),
        *(f"failed: {text}" for text in board.failed),
        *(
            f"Report of {one['item']}: {report_of(one)}"
            for one in board.results[:_MOST_REPORTS]
            if one["figures"]
        ),
        f"Leaderboard: {typed_path(folder / 'leaderboard.html')}",
    ]


RESULTS = Results(
    files={"results/*": "."},
    summary={
        "leaderboard": "results/leaderboard.json",
        "failed": "results/leaderboard.json#failed",
    },
    closing_lines=closing_lines,
)
"""What of the pipeline's outputs is kept, and where."""
