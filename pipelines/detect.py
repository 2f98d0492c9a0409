"""The main pipeline with a short form: the ten parameters that most runs need.

``python pipelines/detect.py`` writes ``detect.yaml`` beside it.
"""

from pathlib import Path

from kfp import compiler, dsl

from pipeline import Outputs, steps
from stethoscope.kubeflow.authoring import Given, takes
from stethoscope.monitoring.options import DETECT, MONITORING


@dsl.pipeline(
    name="stethoscope-detect",
    description="Find anomalies and tell faults apart, with the parameters that most runs need.",
)
@takes(DETECT, MONITORING)
def detect(given: Given) -> Outputs:
    """Detect anomalies, and tell faults apart; all further parameters have their defaults.

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
    compiler.Compiler().compile(detect, str(Path(__file__).with_suffix(".yaml")))
