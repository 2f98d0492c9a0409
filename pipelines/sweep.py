"""A sweep: the main pipeline for every machine with every setting, and a leaderboard.

``python pipelines/sweep.py`` writes ``sweep.yaml`` beside it. Each item of the loop is one step
that runs the whole main pipeline and always leaves a result. A nested pipeline would not do: when
one item of a loop fails, nothing that collects the items is run.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from kfp import compiler, dsl

from components.leaderboard import leaderboard
from components.placement import CHECKS, SHOWS, TRAINS, place
from components.plan_sweep import plan_sweep
from components.sweep_item import sweep_item

PARALLELISM = 4
"""Number of items that run at the same time; the commands take another by ``--parallelism``."""

ITEM = replace(TRAINS, memory=("4Gi", "8Gi"), timeout=timedelta(hours=36), reads_recordings=True)


class Outputs(NamedTuple):
    """What a run of the pipeline leaves."""

    results: dsl.Artifact
    page: dsl.HTML
    summary: dsl.Markdown


@dsl.pipeline(
    name="stethoscope-sweep",
    description="Run the main pipeline for many machines and settings, and compare the results.",
)
def sweep(
    # Names, not mappings: the order in which KFP writes a mapping's keys differs from one
    # compilation to the next. KFP takes the defaults from here, and nothing changes them.
    machines: list = ["simulated/fan", "simulated/pump"],  # type: ignore[type-arg]  # noqa: B006
    grid: dict = {"feature_n_mels": [64, 128]},  # type: ignore[type-arg]  # noqa: B006
) -> Outputs:
    """Compare machines and settings.

    Args:
        machines: A list of mappings with machine, dataset_url and any parameter of the main
            pipeline; or of names: dcase2020/pump, simulated/fan, or dcase2020 for all its machines.
        grid: A list of values for each parameter to vary; every machine is run with every
            combination.

    Returns:
        results: Leaderboard as page, Markdown, CSV and JSON, and the results of each run.
        page: The leaderboard, an HTML page.
        summary: The leaderboard as Markdown.
    """
    planned = plan_sweep(machines=machines, grid=grid)
    place(planned, "Plan the sweep", CHECKS).set_caching_options(False)

    with dsl.ParallelFor(items=planned.output, parallelism=PARALLELISM) as one:
        run = sweep_item(text=one.text)
        place(run, "Run one item", ITEM).set_caching_options(False)

    board = leaderboard(outcomes=dsl.Collected(run.outputs["outcome"]))
    place(board, "Leaderboard", SHOWS).set_caching_options(False)
    return Outputs(*(board.outputs[name] for name in Outputs._fields))


if __name__ == "__main__":
    compiler.Compiler().compile(sweep, str(Path(__file__).with_suffix(".yaml")))
