from pathlib import Path

import keras
import numpy as np
import pytest

from stethoscope.detection.autoencoder.training import train_network
from stethoscope.detection.autoencoder.windows import WindowBatches
from stethoscope.detection.options import FitOptions
from stethoscope.errors import ParameterError
from stethoscope.features.store import FeatureStore


def _train(features: Path, fit: FitOptions, n_clips: int = 4) -> dict[str, list[float]]:
    """Train a single layer on some clips and validate it on others."""
    store = FeatureStore.open(features)
    keras.utils.set_random_seed(0)
    window = keras.Input((5 * 12,))
    network = keras.Model(window, keras.layers.Dense(5 * 12)(window))
    training = WindowBatches(store, np.arange(n_clips), 5, fit, training=True)
    validation = WindowBatches(store, np.arange(n_clips, n_clips + 2), 5, fit, training=False)
    return train_network(network, training, validation, fit, label="train")


def test_the_loss_falls_and_is_validated_each_epoch(two_types: Path) -> None:
    curves = _train(two_types, FitOptions(epochs=4, batch_size=16, verbose=0))
    assert set(curves) == {"loss", "val_loss"}
    assert len(curves["loss"]) == len(curves["val_loss"]) == 4
    assert curves["loss"][-1] < curves["loss"][0]


def test_shares_of_an_epoch_are_validated_as_often_as_whole_epochs(two_types: Path) -> None:
    curves = _train(two_types, FitOptions(epochs=6, batch_size=16, epoch_share=0.25, verbose=0))
    # Four epochs of a quarter make a whole one, but four does not divide six: every third one is
    # validated.
    assert (len(curves["loss"]), len(curves["val_loss"])) == (6, 2)


def test_a_training_that_diverges_is_refused(two_types: Path) -> None:
    wild = FitOptions(
        epochs=20,
        batch_size=8,
        verbose=0,
        compile_optimizer='{"class_name": "SGD", "config": {"learning_rate": 1e30}}',
    )
    with pytest.raises(ParameterError, match="training diverged"):
        _train(two_types, wild)
