"""The main pipeline: from an archive of recordings to an exported detector and diagnosis.

``python pipeline.py`` writes ``pipeline.yaml``. ``pipelines/detect.py`` has the same steps and a
short form.
"""

from pathlib import Path
from typing import NamedTuple

from kfp import compiler, dsl

from components.check_parameters import check_parameters
from components.download import download
from components.evaluate_detector import evaluate_detector
from components.evaluate_diagnosis import evaluate_diagnosis
from components.export_model import export_model
from components.extract_features import extract_features
from components.group_faults import group_faults
from components.metrics import metrics
from components.placement import (
    CHECKS,
    DOWNLOADS,
    EVALUATES,
    EXTRACTS,
    HOLDS_FEATURES,
    REGISTERS,
    SHOWS,
    TRAINS,
    place,
)
from components.register_model import register_model
from components.report import report
from components.roc_curve import roc_curve
from components.train_detector import train_detector
from components.train_diagnosis import train_diagnosis
from stethoscope.kubeflow.authoring import Given, takes
from stethoscope.monitoring.options import MONITORING


class Outputs(NamedTuple):
    """What a run of the pipeline leaves."""

    results: dsl.Artifact
    diagnosed: dsl.Artifact
    page: dsl.HTML
    bundle: dsl.Model
    serving: dsl.Artifact
    plots: dsl.Artifact


def steps(given: Given) -> Outputs:
    """Make the steps, and return what they leave."""
    checked = check_parameters(**given.of(check_parameters))
    place(checked, "Check parameters and recordings", CHECKS).set_caching_options(False)

    fingerprint = checked.outputs["fingerprint"]

    downloaded = download(fingerprint=fingerprint, in_place=True, **given.of(download))
    place(downloaded, "Download recordings", DOWNLOADS)
    recordings, clips = (downloaded.outputs[name] for name in ("recordings", "clips"))

    extracted = extract_features(
        recordings=recordings,
        clips=clips,
        needs_samples=checked.outputs["needs_samples"],
        diagnoses=checked.outputs["diagnoses"],
        **given.of(extract_features),
    )
    place(extracted, "Extract features", EXTRACTS)
    # One thread per processor decodes and transforms; BLAS must not open more of its own.
    extracted.set_env_variable("OPENBLAS_NUM_THREADS", "1")
    features, cepstra = (extracted.outputs[name] for name in ("features", "cepstra"))

    trained = train_detector(features=features, **given.of(train_detector))
    place(trained, "Train detector", TRAINS)
    model = trained.outputs["model"]

    evaluated = evaluate_detector(features=features, model=model, **given.of(evaluate_detector))
    place(evaluated, "Evaluate detector", EVALUATES)
    scores, results = evaluated.outputs["scores"], evaluated.outputs["results"]

    place(roc_curve(scores=scores), "ROC curve", SHOWS)
    place(metrics(scores=scores, **given.of(metrics)), "Metrics", SHOWS)

    grouped = group_faults(features=cepstra, **given.of(group_faults))
    place(grouped, "Group faults", HOLDS_FEATURES)
    groups = grouped.outputs["groups"]

    fitted = train_diagnosis(features=cepstra, groups=groups, **given.of(train_diagnosis))
    place(fitted, "Train diagnosis", TRAINS)
    diagnosis = fitted.outputs["model"]

    tested = evaluate_diagnosis(features=cepstra, groups=groups, model=diagnosis)
    place(tested, "Evaluate diagnosis", HOLDS_FEATURES)
    diagnosed = tested.outputs["results"]

    exported = export_model(
        model=model,
        results=results,
        diagnosis=diagnosis,
        diagnosed=diagnosed,
        **given.of(export_model),
    )
    place(exported, "Export model", HOLDS_FEATURES)
    bundle = exported.outputs["bundle"]

    registered = register_model(bundle=bundle, fingerprint=fingerprint, **given.of(register_model))
    place(registered, "Register model", REGISTERS)

    reported = report(
        clips=clips,
        sounds=extracted.outputs["sounds"],
        features=features,
        model=model,
        results=results,
        groups=groups,
        diagnosis=diagnosis,
        diagnosed=diagnosed,
        **given.of(report),
    )
    place(reported, "Report", HOLDS_FEATURES)
    page, plots = (reported.outputs[name] for name in ("page", "plots"))
    return Outputs(results, diagnosed, page, bundle, registered.outputs["serving"], plots)


@dsl.pipeline(
    name="stethoscope",
    description="Learn the normal sound of a machine, find anomalies, and tell faults apart.",
)
@takes(MONITORING)
def stethoscope(given: Given) -> Outputs:
    """Detect anomalies, and tell faults apart.

    Returns:
        results: Scores, official result files, thresholds and figures.
        diagnosed: Groups of faults and how well they are recognised, or why there is no diagnosis.
        page: The report, one self-contained HTML file.
        bundle: The exported model.
        serving: What was registered of it, and its manifest of KServe.
        plots: The figures of the report as SVG files.
    """
    return steps(given)


if __name__ == "__main__":
    compiler.Compiler().compile(stethoscope, str(Path(__file__).with_suffix(".yaml")))
