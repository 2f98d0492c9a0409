"""The steps that all conversions to int8 have in common."""

from pathlib import Path

import keras
import numpy as np
import pytest

from stethoscope.edge.conversion import int8_network, load_keras, refuse_loss
from stethoscope.errors import ModelError


@pytest.fixture(scope="module")
def network() -> keras.Model:
    given = keras.Input((4,))
    return keras.Model(given, keras.layers.Dense(2)(given))


WINDOWS = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)


def test_missing_keras_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no fan\.keras to convert; export the model with"):
        load_keras(tmp_path / "fan.keras")


def test_network_is_written_at_the_end_of_the_block(network: keras.Model, tmp_path: Path) -> None:
    file = tmp_path / "x_int8.tflite"
    with int8_network(network, WINDOWS, file) as (int8, size):
        assert not file.exists()
        assert int8(WINDOWS) == pytest.approx(np.asarray(network(WINDOWS)), abs=0.1)
    assert file.stat().st_size == size


def test_refused_network_leaves_the_earlier_one(network: keras.Model, tmp_path: Path) -> None:
    file = tmp_path / "x_int8.tflite"
    file.write_bytes(b"earlier")
    with pytest.raises(ModelError), int8_network(network, WINDOWS, file):
        refuse_loss(0.1, "its AUC falls by 0.1", option="--max-drop", limit=0.02)
    assert file.read_bytes() == b"earlier"


def test_loss_up_to_the_limit_is_accepted() -> None:
    refuse_loss(0.02, "its AUC falls by 0.02", option="--max-drop", limit=0.02)
    with pytest.raises(ModelError, match=r"its AUC falls by 0\.03, --max-drop allows 0\.02; give"):
        refuse_loss(0.03, "its AUC falls by 0.03", option="--max-drop", limit=0.02)
