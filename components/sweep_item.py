"""One run of a sweep, which always leaves a result."""

from kfp import dsl

from components import training_component


@training_component()
def sweep_item(text: str, outcome: dsl.Output[dsl.Artifact], cache: str = "") -> None:
    """Run the main pipeline in a process of its own, and record its outcome.

    Args:
        text: Machine and settings of the plan.
        cache: Folder that keeps downloads, on a volume shared by the items; empty for none.

    Returns:
        outcome: Results of the run, its status, and the reason if it failed.
    """
    from pathlib import Path

    from stethoscope.sweep.items import Item, run_item

    item = Item.from_text(text)
    result = run_item(item, Path(outcome.path), cache=cache)
    outcome.metadata.update(
        item=item.item, machine=item.machine, status=result["status"], reason=result["reason"]
    )
