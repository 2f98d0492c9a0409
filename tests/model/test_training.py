"""What the training of all networks shares."""

import keras
import numpy as np
import numpy.typing as npt
import pytest

from stethoscope.model.training import Batches, Values, fit_network, mix_pairs

N_ITEMS = 20


class Points(Batches):
    """Points of two classes, far apart."""

    def __init__(self, batch_size: int = 8) -> None:
        self._rng = np.random.default_rng(0)
        self.labels = np.arange(N_ITEMS) % 2
        self.points = (self.labels[:, np.newaxis] * 4.0 - 2.0).astype(np.float32)
        super().__init__(batch_size)

    def draw_order(self) -> npt.NDArray[np.intp]:
        return self._rng.permutation(N_ITEMS)

    def gather(self, indices: npt.NDArray[np.intp]) -> tuple[Values, Values]:
        return self.points[indices], self.labels[indices, np.newaxis].astype(np.float32)


def network(learning_rate: float) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(learning_rate), "binary_crossentropy")
    return model


def test_an_epoch_has_every_item_once_and_the_last_batch_is_smaller() -> None:
    batches = Points()
    assert [len(batches[number][0]) for number in range(len(batches))] == [8, 8, 4]
    first = np.concatenate([batches[number][0] for number in range(3)])
    assert np.sort(first[:, 0]).tolist() == np.sort(batches.points[:, 0]).tolist()
    batches.on_epoch_end()
    second = np.concatenate([batches[number][0] for number in range(3)])
    assert first.tolist() != second.tolist()


def test_mixup_mixes_inputs_and_labels_by_the_same_share() -> None:
    """Inputs that are twice their one-hot labels stay so."""
    labels = np.eye(4, dtype=np.float32)[np.arange(40) % 4]
    given = np.broadcast_to(2 * labels[:, np.newaxis, :], (40, 3, 4)).astype(np.float32)
    mixed, wanted = mix_pairs(given, labels, 0.4, np.random.default_rng(0))
    assert (mixed.dtype, wanted.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(mixed[:, 0], 2 * wanted, rtol=1e-6)
    np.testing.assert_allclose(wanted.sum(axis=1), 1.0, rtol=1e-6)
    assert (wanted.max(axis=1) < 0.99).any()


def test_without_validation_all_epochs_are_trained_and_the_last_weights_kept() -> None:
    curves, best = fit_network(network(0.1), Points(), epochs=3, patience=1)
    assert (list(curves), len(curves["loss"]), best) == (["loss"], 3, 3)


def test_training_stops_early_and_keeps_the_weights_of_the_lowest_validation_loss() -> None:
    """Validation points with the labels exchanged: every epoch of training makes them worse."""
    model, batches = network(1.0), Points()
    wrong = batches.points, 1.0 - batches.labels[:, np.newaxis].astype(np.float32)
    curves, best = fit_network(model, batches, epochs=20, validation=wrong, patience=2)
    assert (best, len(curves["val_loss"])) == (1, 3)
    assert model.evaluate(*wrong, verbose=0) == pytest.approx(curves["val_loss"][0], rel=1e-5)


def test_the_best_weights_are_kept_where_training_does_not_stop_early() -> None:
    model, batches = network(1.0), Points()
    wrong = batches.points, 1.0 - batches.labels[:, np.newaxis].astype(np.float32)
    curves, best = fit_network(model, batches, epochs=2, validation=wrong, patience=5)
    assert best == 1
    assert model.evaluate(*wrong, verbose=0) == pytest.approx(curves["val_loss"][0], rel=1e-5)
