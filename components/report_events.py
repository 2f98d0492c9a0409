"""Write the report of an event run."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.events.options import EVENTS


@component(EVENTS)
def report_events(
    recordings: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    results: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    plots: dsl.Output[dsl.Artifact],
    **parameters: Any,
) -> None:
    """Write the report of an event detector.

    Args:
        recordings: Archives of recordings, for the clips that can be played.
        features: Feature store of whole recordings.
        clips: Table of the recordings and their labelled intervals.
        model: Fitted event detector.
        results: Figures, events and scores of the evaluation.

    Returns:
        page: One self-contained HTML file.
        plots: Its figures as SVG files.
    """
    from pathlib import Path

    from stethoscope.datasets.prepare import archives_in
    from stethoscope.events.options import EVENTS
    from stethoscope.events.report.page import write_event_report
    from stethoscope.kubeflow.warnings import kept_warnings
    from stethoscope.report.common import run_facts

    write_event_report(
        page.path,
        archives=archives_in(Path(recordings.path)),
        features=features.path,
        clips=clips.path,
        model=model.path,
        results=results.path,
        warnings=kept_warnings(recordings),
        facts=run_facts(EVENTS, parameters),
        plots=plots.path,
    )
