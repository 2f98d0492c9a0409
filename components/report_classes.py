"""Write the report of a classification run."""

from kfp import dsl

from components import component


@component()
def report_classes(
    recordings: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    results: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
) -> None:
    """Write the report of a classifier of labelled sounds.

    Args:
        recordings: Archives of recordings, for the clips that can be played.
        features: Feature store of labelled clips.
        model: Classifier trained on all clips.
        results: Figures and answers of the cross-validation.

    Returns:
        page: One self-contained HTML file.
    """
    from pathlib import Path

    from stethoscope.classification.report.page import write_class_report
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.kubeflow.warnings import kept_warnings

    write_class_report(
        page.path,
        archives=archives_in(Path(recordings.path)),
        features=features.path,
        model=model.path,
        results=results.path,
        warnings=kept_warnings(recordings),
    )
