"""Assemble the event detector that is deployed, on a computer and on a microcontroller."""

from kfp import dsl

from components import component


@component
def export_events(
    model: dsl.Input[dsl.Model],
    results: dsl.Input[dsl.Artifact],
    bundle: dsl.Output[dsl.Model],
    memory: dsl.Output[dsl.Markdown],
    export_max_drop: float = 0.02,
    fingerprint: str = "",
):
    """Bundle the event detector, with C for microcontrollers.

    Args:
        model: Fitted event detector.
        results: Figures of the evaluation.
        export_max_drop: Largest fall of the test AUC from float to int8 that is accepted.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        bundle: Self-contained model, ready for `stethoscope events`, with the folder `c`.
        memory: What the model needs on a microcontroller, and which boards have it.
    """
    from pathlib import Path

    from stethoscope.edge.events import export_events

    exported, needs = export_events(model.path, results.path, bundle.path, max_drop=export_max_drop)
    bundle.metadata.update(fingerprint=fingerprint, name=exported.name)
    Path(memory.path).write_text(needs.to_markdown(), encoding="utf-8")
