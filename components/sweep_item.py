"""One run of a sweep, guarded: it always leaves a result."""

from kfp import dsl

from components import component


@component
def sweep_item(text: str, outcome: dsl.Output[dsl.Artifact], cache: str = ""):
    """Run the main pipeline in a process of its own, and write down how that went.

    Args:
        text: Machine and settings, as the plan has them.
        cache: Folder in which downloads stay, on a volume that the items share; empty for none.

    Returns:
        outcome: What the run left, with its status, and the reason if it failed.
    """
    from pathlib import Path

    from stethoscope.sweep.items import Item, run_item

    item = Item.from_text(text)
    result = run_item(item, Path(outcome.path), cache=cache)
    outcome.metadata.update(
        item=item.item, machine=item.machine, status=result["status"], reason=result["reason"]
    )
