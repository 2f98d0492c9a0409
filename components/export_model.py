"""Assemble what is deployed."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.bundle.formats import EXPORT_FORMATS


@component(EXPORT_FORMATS)
def export_model(
    model: dsl.Input[dsl.Model],
    results: dsl.Input[dsl.Artifact],
    diagnosis: dsl.Input[dsl.Model],
    diagnosed: dsl.Input[dsl.Artifact],
    bundle: dsl.Output[dsl.Model],
    **parameters: Any,
) -> None:
    """Bundle the detector with its thresholds, figures, golden vectors and, if any, the diagnosis.

    Args:
        model: Fitted detector.
        results: Thresholds and figures of the evaluation.
        diagnosis: Classifier of faults.
        diagnosed: Figures of the diagnosis.

    Returns:
        bundle: Self-contained model, ready for `stethoscope predict` and `stethoscope serve`.
    """
    from stethoscope.bundle.build import export_bundle

    exported = export_bundle(
        model.path,
        results.path,
        bundle.path,
        formats=parameters["export_formats"],
        diagnosis=diagnosis.path,
        diagnosed=diagnosed.path,
    )
    bundle.metadata.update(name=exported.name)
