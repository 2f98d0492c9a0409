"""Assemble the event detector that is deployed, on a computer and on a microcontroller."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.model.options import MAX_DROP


@component(MAX_DROP)
def export_events(
    model: dsl.Input[dsl.Model],
    results: dsl.Input[dsl.Artifact],
    bundle: dsl.Output[dsl.Model],
    memory: dsl.Output[dsl.Markdown],
    **parameters: Any,
) -> None:
    """Bundle the event detector, with C for microcontrollers.

    Args:
        model: Fitted event detector.
        results: Figures of the evaluation.

    Returns:
        bundle: Self-contained model, ready for `stethoscope events`, with the folder `c`.
        memory: Memory that the model needs on a microcontroller, and the boards that have it.
    """
    from pathlib import Path

    from stethoscope.edge.events import export_events

    exported, needs = export_events(
        model.path, results.path, bundle.path, max_drop=parameters["export_max_drop"]
    )
    bundle.metadata.update(name=exported.name)
    Path(memory.path).write_text(needs.to_markdown(), encoding="utf-8")
