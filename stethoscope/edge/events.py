"""From a fitted event detector to what is deployed."""

import os
import tempfile
from pathlib import Path

from stethoscope.bundle.build import write_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.edge.c.export import export_c
from stethoscope.edge.c.memory import MemoryReport
from stethoscope.edge.conversion import refuse_loss
from stethoscope.files import read_json
from stethoscope.model.options import MAX_DROP


def export_events(
    model: str | os.PathLike[str],
    results: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    max_drop: float = MAX_DROP.default,
) -> tuple[Bundle, MemoryReport]:
    """Assemble the bundle of an event detector, with its evaluation and C for microcontrollers.

    Parameters
    ----------
    model, results : path
        Folders written by training and by evaluation.
    folder : path
        Written all or nothing.
    max_drop : float
        Largest fall of the test AUC from the float to the int8 network.

    Raises
    ------
    ParameterError
        If `max_drop` cannot work.
    ModelError
        If the int8 network is worse than that.
    """
    MAX_DROP.check(max_drop)
    model, evaluation = Path(model), read_json(Path(results) / "evaluation.json")
    drop = evaluation["int8_drop"]
    if drop is not None:
        refuse_loss(
            drop,
            f"its AUC falls by {drop:.4f} on the test recordings",
            option=MAX_DROP.name,
            limit=max_drop,
        )
    description = read_json(model / "model.json")
    bundle = write_bundle(
        folder,
        name=f"{'-'.join(description['labels'])}-events",
        models={"events": model},
        metrics=evaluation,
        settings={"fit": description["fit"], MAX_DROP.name: max_drop},
    )
    with tempfile.TemporaryDirectory() as scratch:
        memory = export_c(bundle, Path(scratch) / "c")
    return Bundle.open(folder), memory
