"""What the training of all networks shares."""

import numpy as np
import numpy.typing as npt
import pytest

from stethoscope.model.tensorflow import keras
from stethoscope.model.training import Batches, Examples, Trainer, Values, mix_pairs

N_ITEMS = 20


class Points(Batches):
    """Points of two classes, far apart."""

    def __init__(self, batch_size: int = 8) -> None:
        super().__init__(batch_size)
        self._rng = np.random.default_rng(0)
        self.labels = np.arange(N_ITEMS) % 2
        self.points = (self.labels[:, np.newaxis] * 4.0 - 2.0).astype(np.float32)

    def draw_order(self) -> npt.NDArray[np.intp]:
        return self._rng.permutation(N_ITEMS)

    def gather(self, indices: npt.NDArray[np.intp]) -> tuple[Values, Values]:
        return self.points[indices], self.labels[indices, np.newaxis].astype(np.float32)


def network(learning_rate: float) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(learning_rate), "binary_crossentropy")
    return model


def wrong(points: Points) -> Examples:
    """Return the points with the labels exchanged: every epoch of training makes them worse."""
    labels = 1.0 - points.labels[:, np.newaxis].astype(np.float32)
    return Examples(points.points, labels, batch_size=16)


def test_an_epoch_has_every_item_once_and_the_last_batch_is_smaller() -> None:
    batches = Points()
    first = list(batches.blocks(1))
    assert [given.shape for given, _ in first] == [(1, 8, 1), (1, 8, 1), (1, 4, 1)]
    given = np.concatenate([given[0] for given, _ in first])
    assert np.sort(given[:, 0]).tolist() == np.sort(batches.points[:, 0]).tolist()
    together = [given for given, _ in batches.blocks(5)]
    assert [given.shape for given in together] == [(2, 8, 1), (1, 4, 1)]
    assert np.concatenate([one.ravel() for one in together]).tolist() != given.ravel().tolist()


def test_mixup_mixes_inputs_and_labels_by_the_same_share() -> None:
    """Inputs that are twice their one-hot labels stay so."""
    labels = np.eye(4, dtype=np.float32)[np.arange(40) % 4]
    given = np.broadcast_to(2 * labels[:, np.newaxis, :], (40, 3, 4)).astype(np.float32)
    mixed, wanted = mix_pairs(given, labels, 0.4, np.random.default_rng(0))
    assert (mixed.dtype, wanted.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(mixed[:, 0], 2 * wanted, rtol=1e-6)
    np.testing.assert_allclose(wanted.sum(axis=1), 1.0, rtol=1e-6)
    assert (wanted.max(axis=1) < 0.99).any()


def test_a_step_is_one_of_keras_for_every_batch_with_its_weights() -> None:
    """Against ``keras.Model.fit`` on the same batches in the same order."""
    rng = np.random.default_rng(0)
    given = rng.standard_normal((20, 3)).astype(np.float32)
    wanted = (given.sum(axis=1, keepdims=True) > 0).astype(np.float32)
    weights = rng.uniform(0.5, 2.0, 20).astype(np.float32)

    class Weighted(Examples):
        def gather(self, indices: npt.NDArray[np.intp]) -> tuple[Values, ...]:  # type: ignore[override]
            return (*super().gather(indices), weights[indices])

    def untrained() -> keras.Model:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
        model.compile(keras.optimizers.AdamW(0.1), "binary_crossentropy", metrics=["accuracy"])
        return model

    reference, model = untrained(), untrained()
    history = reference.fit(
        given, wanted, sample_weight=weights, batch_size=8, epochs=3, shuffle=False, verbose=0
    ).history
    curves, _ = Trainer(model).fit(Weighted(given, wanted, 8), epochs=3)
    assert set(curves) == set(history)
    for name, values in history.items():
        assert curves[name] == pytest.approx(values, rel=1e-5)
    for ours, theirs in zip(model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_each_kind_of_step_is_traced_once() -> None:
    traced = []

    class Counted(keras.layers.Layer):
        def call(self, values: object) -> object:
            traced.append(values)
            return values

    model = keras.Sequential([keras.Input((1,)), Counted(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    traced.clear()
    batches = Points()
    Trainer(model).fit(batches, epochs=6, validation=wrong(batches))
    assert len(traced) == 2


def test_without_validation_all_epochs_are_trained_and_the_last_weights_kept() -> None:
    curves, best = Trainer(network(0.1)).fit(Points(), epochs=3, patience=1)
    assert (list(curves), len(curves["loss"]), best) == (["loss"], 3, 3)


def test_training_stops_early_and_keeps_the_weights_of_the_lowest_validation_loss() -> None:
    batches = Points()
    trainer = Trainer(network(1.0))
    curves, best = trainer.fit(batches, epochs=20, validation=wrong(batches), patience=2)
    assert (best, len(curves["val_loss"])) == (1, 3)
    found = trainer.evaluate(wrong(batches))["loss"]
    assert found == pytest.approx(curves["val_loss"][0], rel=1e-5)


def test_the_best_weights_are_kept_where_training_does_not_stop_early() -> None:
    batches = Points()
    trainer = Trainer(network(1.0))
    curves, best = trainer.fit(batches, epochs=2, validation=wrong(batches), patience=5)
    assert best == 1
    found = trainer.evaluate(wrong(batches))["loss"]
    assert found == pytest.approx(curves["val_loss"][0], rel=1e-5)


def test_the_running_mean_of_the_weights_is_validated_and_kept_and_training_goes_on_without() -> (
    None
):
    every = []
    for epochs in (1, 2, 3):
        one = network(1.0)
        Trainer(one).fit(Points(), epochs=epochs)
        every.append(np.array([weights.item() for weights in one.get_weights()]))
    averaged = network(1.0)
    Trainer(averaged).fit(Points(), epochs=3, averaged=2)
    kept = np.array([weights.item() for weights in averaged.get_weights()])
    assert kept == pytest.approx(((every[0] + every[1]) / 2 + every[2]) / 2, rel=1e-4)
