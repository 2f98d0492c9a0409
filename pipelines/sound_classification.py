"""Labelled sounds: from recordings with labels to a classifier, tested on recordings apart.

``python pipelines/sound_classification.py`` writes ``sound_classification.yaml`` beside it.
"""

from pathlib import Path
from typing import NamedTuple

from kfp import compiler, dsl

from components.check_sounds import check_sounds
from components.download import download
from components.evaluate_classes import evaluate_classes
from components.extract_sounds import extract_sounds
from components.placement import CHECKS, DOWNLOADS, EXTRACTS, SHOWS, TRAINS, place
from components.report_classes import report_classes
from components.train_classes import train_classes
from stethoscope.classification.options import CLASSIFICATION
from stethoscope.kubeflow.authoring import Given, takes


class Outputs(NamedTuple):
    """What a run of the pipeline leaves."""

    results: dsl.Artifact
    model: dsl.Model
    page: dsl.HTML
    plots: dsl.Artifact


@dsl.pipeline(
    name="sound-classification",
    description="Learn classes of sound from labelled recordings, and test the classifier.",
)
@takes(CLASSIFICATION)
def sound_classification(given: Given) -> Outputs:
    """Classify sounds.

    Returns:
        results: Figures, the answer for every clip, and the confusion matrix.
        model: Classifier trained on all labelled clips.
        page: The report.
        plots: The figures of the report as SVG files.
    """
    checked = check_sounds(**given.of(check_sounds))
    place(checked, "Check parameters and recordings", CHECKS).set_caching_options(False)

    downloaded = download(fingerprint=checked.output, **given.of(download))
    place(downloaded, "Download recordings", DOWNLOADS)
    recordings, clips = (downloaded.outputs[name] for name in ("recordings", "clips"))

    extracted = extract_sounds(recordings=recordings, clips=clips, **given.of(extract_sounds))
    place(extracted, "Extract features", EXTRACTS)
    features = extracted.outputs["features"]

    evaluated = evaluate_classes(features=features, **given.of(evaluate_classes))
    place(evaluated, "Test classifier", TRAINS)
    results = evaluated.outputs["results"]

    trained = train_classes(features=features, **given.of(train_classes))
    place(trained, "Train classifier", TRAINS)
    model = trained.outputs["model"]

    reported = report_classes(
        recordings=recordings,
        features=features,
        model=model,
        results=results,
        **given.of(report_classes),
    )
    place(reported, "Report", SHOWS)
    return Outputs(results, model, reported.outputs["page"], reported.outputs["plots"])


if __name__ == "__main__":
    compiler.Compiler().compile(sound_classification, str(Path(__file__).with_suffix(".yaml")))
