"""A sweep: the main pipeline for every machine with every setting, and a leaderboard.

``python pipelines/sweep.py`` writes ``pipelines/sweep.yaml``. Each item of the loop is one guarded step that runs the whole main
pipeline. A nested pipeline would not do: when one item of a loop fails, nothing that collects the items is run.
"""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from kfp import compiler, dsl

from components.leaderboard import leaderboard
from components.placement import place
from components.plan_sweep import plan_sweep
from components.sweep_item import sweep_item

PARALLELISM = 4
"""How many items run at the same time; `stethoscope compile --parallelism` and `sweep --parallelism` set another number."""


@dsl.pipeline(
    name="stethoscope-sweep",
    description="Run the main pipeline for many machines and settings, and compare the results.",
)
def sweep(
    # Names, not mappings: the order in which KFP writes a mapping's keys differs from one compilation to the next.
    machines: list = ["simulated/fan", "simulated/pump"],  # noqa: B006  # KFP takes the default from here, and nothing changes it
    grid: dict = {"feature_n_mels": [64, 128]},  # noqa: B006
) -> NamedTuple(
    "Outputs", [("results", dsl.Artifact), ("page", dsl.HTML), ("summary", dsl.Markdown)]
):
    """Compare machines and settings.

    Args:
        machines: A list of mappings with machine, dataset_url and any parameter of the main pipeline; or of names: dcase2020/pump, simulated/fan, or dcase2020 for all of its machines.
        grid: A list of values for each parameter to vary; every machine is run with every combination.

    Returns:
        results: Leaderboard as page, Markdown, CSV and JSON, and what each run left.
        page: The leaderboard, an HTML page.
        summary: The leaderboard as Markdown.
    """
    planned = plan_sweep(machines=machines, grid=grid)
    place(planned, "Plan the sweep", timeout=timedelta(minutes=15)).set_caching_options(False)

    with dsl.ParallelFor(items=planned.output, parallelism=PARALLELISM) as one:
        run = sweep_item(text=one.text)
        place(
            run,
            "Run one item",
            cpu=("2", "8"),
            memory=("4Gi", "8Gi"),
            timeout=timedelta(hours=36),
            uses_gpu=True,
        )
        run.set_caching_options(False)

    board = leaderboard(outcomes=dsl.Collected(run.outputs["outcome"]))
    place(board, "Leaderboard").set_caching_options(False)
    outputs = NamedTuple(
        "Outputs", [("results", dsl.Artifact), ("page", dsl.HTML), ("summary", dsl.Markdown)]
    )
    return outputs(
        results=board.outputs["results"],
        page=board.outputs["page"],
        summary=board.outputs["summary"],
    )


if __name__ == "__main__":
    compiler.Compiler().compile(sweep, str(Path(__file__).with_suffix(".yaml")))
