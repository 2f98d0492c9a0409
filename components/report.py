"""Tell a person what was found."""

from kfp import dsl

from components import component


@component
def report(
    recordings: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    results: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    fingerprint: str = "",
):
    """Write the report.

    Args:
        recordings: Archives of recordings, for the clips that can be played.
        features: Feature store.
        model: Fitted detector.
        results: Scores, thresholds and figures of the evaluation.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        page: One self-contained HTML file.
    """
    from pathlib import Path

    from stethoscope.datasets.prepare import archives_in
    from stethoscope.report import write_report

    write_report(page.path, archives=archives_in(Path(recordings.path)), features=features.path, model=model.path, results=results.path)
    page.metadata["fingerprint"] = fingerprint
