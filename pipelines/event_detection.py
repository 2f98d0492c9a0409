"""Events in time: from recordings with time labels to a tiny detector, also for a microcontroller.

``python pipelines/event_detection.py`` writes ``event_detection.yaml`` beside it.
"""

from pathlib import Path
from typing import NamedTuple

from kfp import compiler, dsl

from components.check_events import check_events
from components.download import download
from components.evaluate_events import evaluate_events
from components.export_events import export_events
from components.extract_bands import extract_bands
from components.placement import (
    CHECKS,
    DOWNLOADS,
    EVALUATES,
    EXTRACTS,
    HOLDS_FEATURES,
    TRAINS,
    place,
)
from components.report_events import report_events
from components.train_events import train_events
from stethoscope.events.options import EVENTS
from stethoscope.kubeflow.authoring import Given, takes


class Outputs(NamedTuple):
    """What a run of the pipeline leaves."""

    results: dsl.Artifact
    page: dsl.HTML
    bundle: dsl.Model
    plots: dsl.Artifact


@dsl.pipeline(
    name="event-detection",
    description="Learn the sound of labelled events, and find such events in time.",
)
@takes(EVENTS)
def event_detection(given: Given) -> Outputs:
    """Detect events.

    Returns:
        results: Figures, events found, and scores of all test windows.
        page: The report, one self-contained HTML file.
        bundle: The exported model, with C for microcontrollers.
        plots: The figures of the report as SVG files.
    """
    checked = check_events(**given.of(check_events))
    place(checked, "Check parameters and recordings", CHECKS).set_caching_options(False)

    downloaded = download(
        fingerprint=checked.output,
        background=given["event_background"],
        **given.of(download),
    )
    place(downloaded, "Download recordings", DOWNLOADS)
    recordings, clips = (downloaded.outputs[name] for name in ("recordings", "clips"))

    extracted = extract_bands(recordings=recordings, clips=clips, **given.of(extract_bands))
    place(extracted, "Extract band spectra", EXTRACTS)
    features = extracted.outputs["features"]

    trained = train_events(features=features, clips=clips, **given.of(train_events))
    place(trained, "Train event detector", TRAINS)
    model = trained.outputs["model"]

    evaluated = evaluate_events(
        features=features,
        clips=clips,
        model=model,
        **given.of(evaluate_events),
    )
    place(evaluated, "Evaluate event detector", EVALUATES)
    results = evaluated.outputs["results"]

    exported = export_events(model=model, results=results, **given.of(export_events))
    place(exported, "Export model and C", HOLDS_FEATURES)

    reported = report_events(
        recordings=recordings,
        features=features,
        clips=clips,
        model=model,
        results=results,
        **given.of(report_events),
    )
    place(reported, "Report", HOLDS_FEATURES)
    page, plots = (reported.outputs[name] for name in ("page", "plots"))
    return Outputs(results, page, exported.outputs["bundle"], plots)


if __name__ == "__main__":
    compiler.Compiler().compile(event_detection, str(Path(__file__).with_suffix(".yaml")))
