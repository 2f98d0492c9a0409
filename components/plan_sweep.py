"""First step of a sweep: list its runs."""

from typing import List  # noqa: UP035  # KFP reads this annotation

from components import component


@component()
def plan_sweep(machines: list, grid: dict) -> List[dict]:  # type: ignore[type-arg]  # noqa: UP006
    """List every machine with every combination of the grid; refuse what cannot work.

    That is: impossible parameters, and archives that are missing.

    Args:
        machines: Mappings of machine, dataset_url and any parameter of the main pipeline, or names
            of the catalogue.
        grid: Values to try, a list for each parameter.

    Returns:
        Output: Name and settings of each run, as texts.
    """
    from stethoscope.sweep.items import plan, refuse_missing

    items = plan(machines, grid)
    refuse_missing(items)
    return [{"item": one.item, "text": one.to_text()} for one in items]
