"""Assemble what is deployed."""

from kfp import dsl

from components import component


@component
def export_model(
    model: dsl.Input[dsl.Model],
    results: dsl.Input[dsl.Artifact],
    diagnosis: dsl.Input[dsl.Model],
    diagnosed: dsl.Input[dsl.Artifact],
    bundle: dsl.Output[dsl.Model],
    export_formats: str = "keras,tflite",
    fingerprint: str = "",
):
    """Bundle the detector with its thresholds, figures and golden vectors, and the diagnosis where there is one.

    Args:
        model: Fitted detector.
        results: Thresholds and figures of the evaluation.
        diagnosis: Classifier of faults.
        diagnosed: Figures of the diagnosis.
        export_formats: Formats of the networks, separated by commas: tflite (always there), keras, h5.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        bundle: Self-contained model, ready for `stethoscope predict` and `stethoscope serve`.
    """
    from stethoscope.bundle.build import export_bundle

    exported = export_bundle(
        model.path,
        results.path,
        bundle.path,
        formats=export_formats,
        diagnosis=diagnosis.path,
        diagnosed=diagnosed.path,
    )
    bundle.metadata.update(fingerprint=fingerprint, name=exported.name)
