"""An anomaly detector as C: the int8 autoencoder, with a verdict per block of windows."""

import numpy as np
import numpy.typing as npt

from stethoscope.bundle.bundle import Bundle
from stethoscope.edge.c.target import Int8File, Target, anomaly_task
from stethoscope.edge.c.text import Constant, single
from stethoscope.edge.detector import EdgeDetector, int8_file, known_machine
from stethoscope.errors import ModelError
from stethoscope.machines import type_of
from stethoscope.sound.definition import Frames

BLOCK_SECONDS = 10.0
"""Duration of the sound of a verdict, in seconds."""


def anomaly_target(bundle: Bundle, machine: str = "") -> Target:
    """Describe the detector of a bundle, after its conversion to int8.

    Parameters
    ----------
    bundle : Bundle
    machine : str
        Machine type and id whose threshold is taken; empty for those of the conversion.

    Raises
    ------
    ModelError
        If plain C cannot run its network, or it was converted for another machine.
    """
    folder = bundle.folder / "models" / "detector"
    edge, feature = EdgeDetector.read(folder), bundle.detector.feature
    machine = known_machine(bundle, machine) if machine else edge.machine
    if type_of(machine) != type_of(edge.machine) or (
        edge.ratio is None and machine != edge.machine
    ):
        raise ModelError(
            f"{bundle.folder}: its int8 network is for {edge.machine}; convert one for {machine} "
            f"by --recordings"
        )
    seconds = edge.context * feature.hop_length / feature.sample_rate
    windows = max(1, round(BLOCK_SECONDS / seconds))
    value = edge.threshold
    if edge.ratio is not None:  # the bundle's threshold may have been moved since the conversion
        value = bundle.thresholds.threshold(machine) * edge.ratio
    threshold = f"of a block's score, for {machine}, moved to this int8 model"
    return Target(
        kind="anomaly",
        name=bundle.name,
        task=anomaly_task(machine),
        file=Int8File.read(int8_file(folder, machine)),
        feature=feature,
        window=edge.context,
        stride=edge.context,
        mean=0.0,
        deviation=1.0,
        constants=(
            Constant("SPECTRUM_MEAN", single(0.0), "of the training frames"),
            Constant("SPECTRUM_STD", single(1.0)),
            Constant("BLOCK_WINDOWS", str(windows), f"of a verdict, about {BLOCK_SECONDS:g} s"),
            Constant("THRESHOLD", single(value), threshold),
        ),
        golden_scores=_golden_scores,
        block_seconds=windows * seconds,
    )


def _golden_scores(output: Frames, windows: Frames) -> tuple[npt.NDArray[np.float32], float]:
    scores = np.mean((output - windows.reshape(output.shape)) ** 2, axis=1)
    return scores, 0.01 * float(scores.max())
