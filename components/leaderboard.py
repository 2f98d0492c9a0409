"""Last step of a sweep: compare its runs."""

from typing import List  # noqa: UP035  # KFP reads this annotation

from kfp import dsl

from components import component


@component()
def leaderboard(
    outcomes: dsl.Input[List[dsl.Artifact]],  # noqa: UP006
    results: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Markdown],
    figures: dsl.Output[dsl.Metrics],
) -> None:
    """Compare the runs of a sweep.

    Args:
        outcomes: Results of each run.

    Returns:
        results: Leaderboard as page, Markdown, CSV and JSON, and the results of each run.
        page: The leaderboard.
        summary: The leaderboard as Markdown.
        figures: AUC and pAUC of every run, and of the best setting.
    """
    from pathlib import Path

    from stethoscope.sweep.leaderboard import write_leaderboard

    board = write_leaderboard([Path(one.path) for one in outcomes], Path(results.path))
    Path(page.path).write_text(board.to_html(links=False), encoding="utf-8")
    Path(summary.path).write_text(board.to_markdown(), encoding="utf-8")
    for name, value in board.figures().items():
        figures.log_metric(name, value)
