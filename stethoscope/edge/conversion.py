"""What the conversions of all kinds of models to int8 have in common."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stethoscope.errors import ModelError
from stethoscope.model.int8 import write_int8
from stethoscope.model.network import Int8Network
from stethoscope.native_lines import without_native_lines
from stethoscope.sound.definition import Frames

if TYPE_CHECKING:
    import keras

DESCRIPTION = "edge.json"
"""File of a model folder that describes its int8 network."""


def load_keras(file: Path) -> "keras.Model":
    """Load the Keras network of a model folder, which is converted to int8.

    Raises
    ------
    ModelError
        If the model was exported without it.
    """
    if not file.is_file():
        raise ModelError(
            f"{file.parent}: holds no {file.name} to convert; "
            f"export the model with export_formats=keras,tflite"
        )
    with without_native_lines():
        from stethoscope.model.tensorflow import keras

        return keras.models.load_model(file)


@contextmanager
def int8_network(
    model: "keras.Model", windows: Frames, file: Path
) -> Iterator[tuple[Int8Network, int]]:
    """Convert a network, and write it to `file` if the block ends without an error.

    Parameters
    ----------
    model : keras.Model
    windows : np.ndarray [shape=(n_windows, ...), dtype=float32]
        Inputs that set the quantisation.
    file : Path

    Yields
    ------
    (Int8Network, int)
        The network, and its size in bytes.

    Raises
    ------
    ModelError
        If the network cannot be converted.
    """
    with tempfile.TemporaryDirectory() as scratch:
        converted = Path(scratch) / file.name
        conversion = write_int8(model, converted, windows)
        yield Int8Network(converted), conversion.bytes
        shutil.copyfile(converted, file)


def refuse_loss(loss: float, description: str, *, option: str, limit: float) -> None:
    """Refuse an int8 network that is worse than the float network by more than the user allows.

    Parameters
    ----------
    loss : float
        Fall of the figure by which the two are compared.
    description : str
        What the loss is, for the message.
    option : str
        Name of the parameter that sets the limit.
    limit : float

    Raises
    ------
    ModelError
        If the loss exceeds the limit.
    """
    if loss > limit:
        raise ModelError(
            f"int8 network: {description}, {option} allows {limit:g}; "
            f"give more recordings, or allow more"
        )
