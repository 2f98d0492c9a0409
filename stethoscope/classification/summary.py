"""The folder of results of the pipeline ``sound-classification``.

::

    DIR/
        report.html             what was found
        plots/                  its figures as SVG files
        answers.csv             true class, answer and probabilities of every clip, by a network
                                that was not trained on its recording
        confusion.csv           clips by true and answered class
        model/                  the classifier, trained on all recordings
        summary.json, run.log   settings, figures and warnings; what the steps printed
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stethoscope.kubeflow.results import Results, skipped_lines
from stethoscope.terminal import decimal, text_table, typed_path


def closing_lines(summary: Mapping[str, Any], folder: Path) -> list[str]:
    """Return what is printed at the end of a run: figures, and what to do next."""
    evaluation = summary["evaluation"]
    rows = [
        [
            one["label"],
            str(one["clips"]),
            decimal(one["precision"]["value"]),
            decimal(one["recall"]["value"]),
            decimal(one["f1"]),
        ]
        for one in evaluation["classes"]
    ]
    accuracy = evaluation["accuracy"]
    return [
        *text_table([("class", "clips", "precision", "recall", "F1"), *rows]),
        f"accuracy {accuracy['value']:.3f} ({accuracy['low']:.3f} to {accuracy['high']:.3f}), "
        f"balanced {evaluation['balanced_accuracy']:.3f}, macro F1 {evaluation['macro_f1']:.3f}, "
        f"{_tested(len(evaluation['folds']), evaluation['clips'])}; "
        "no recording is used for both training and testing",
        *skipped_lines(evaluation["skipped"]),
        f"Report: {typed_path(folder / 'report.html')}",
        f"Classify recordings: stethoscope classify {typed_path(folder / 'model')} FILE.wav",
    ]


def _tested(n_folds: int, n_clips: int) -> str:
    return f"over {n_folds} folds" if n_folds > 1 else f"on {n_clips} clips kept for the test"


RESULTS = Results(
    files={
        "results/answers.csv": "answers.csv",
        "results/confusion.csv": "confusion.csv",
        "page": "report.html",
    },
    folders={"model": "model", "plots": "plots"},
    summary={"evaluation": "results/evaluation.json"},
    optional=("plots",),
    closing_lines=closing_lines,
)
"""What of the pipeline's outputs is kept, and where."""
