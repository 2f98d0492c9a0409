"""A classifier of clips as C."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from stethoscope.classification.model import DYNAMIC_DB, Classifier
from stethoscope.edge.c.target import Int8File, Target
from stethoscope.edge.c.text import Array, Constant, single
from stethoscope.edge.classifier import NETWORK, EdgeClassifier
from stethoscope.edge.conversion import DESCRIPTION
from stethoscope.errors import ModelError
from stethoscope.machines import format_machine
from stethoscope.model.network import softmax
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import QUIETEST_DB, Mfcc

SOUNDS = "names the class of a sound"
"""What a classifier does that is no diagnosis."""

_SCORE_TOLERANCE = 0.05


def class_target(folder: Path, name: str, task: str = SOUNDS) -> Target:
    """Describe the classifier of a model folder, after its conversion to int8.

    Parameters
    ----------
    folder : Path
    name : str
        Of the exported model.
    task : str
        What it does, in words that follow its name.

    Raises
    ------
    ModelError
        If there is no int8 network, or plain C cannot run it or compute its feature.
    """
    if not (folder / DESCRIPTION).is_file():
        raise ModelError(
            f"{folder}: holds no int8 network; a classifier is converted with recordings of its "
            f"classes, given by --recordings"
        )
    edge, feature = EdgeClassifier.read(folder), Classifier.open(folder).feature
    floor_range, least = _floor(feature, folder)
    clip_samples = (edge.window - 1) * feature.hop_length
    return Target(
        kind="classes",
        name=name,
        task=task,
        file=Int8File.read(folder / NETWORK),
        feature=feature,
        window=edge.window,
        stride=edge.window,
        mean=edge.mean,
        deviation=edge.deviation,
        constants=(
            Constant("CLIP_SAMPLES", str(clip_samples), "of a clip that fills the window"),
            Constant("DYNAMIC_DB", single(floor_range), "from the loudest band to the floor"),
            Constant("LEAST_DB", single(least), "the lowest floor"),
        ),
        golden_scores=_golden_scores,
        labels=edge.labels,
        arrays=(
            Array("SPECTRUM_MEANS", edge.mean, "of the training frames, value by value"),
            Array("SPECTRUM_STDS", edge.deviation),
        ),
        clip_samples=clip_samples,
    )


def diagnosis_task(folder: Path) -> str:
    """Return what the diagnosis of a model folder does, for the machine of its conversion."""
    machine = EdgeClassifier.read(folder).machine if (folder / DESCRIPTION).is_file() else ""
    subject = format_machine(machine) if machine else "a machine"
    return f"names the fault that {subject} sounds like most"


def _floor(feature: Feature, folder: Path) -> tuple[float, float]:
    """Return how far the floor lies below a clip's loudest band, and the lowest floor, in dB."""
    if isinstance(feature, Mfcc):
        return feature.top_db, QUIETEST_DB
    if isinstance(feature, LogMel) and feature.pad_mode == "constant":
        return DYNAMIC_DB, -1e9
    raise ModelError(
        f"{folder}: takes the feature {feature.to_json()['kind']}, which C cannot compute of "
        f"clips; train with mfcc-cnn or mel-cnn in mono"
    )


def _golden_scores(output: Frames, _: Frames) -> tuple[npt.NDArray[np.float32], float]:
    return softmax(output).mean(axis=0), _SCORE_TOLERANCE
