from collections.abc import Iterator

import keras
import numpy as np
import pytest

from stethoscope.model.steps import Steps, ahead

ENOUGH = 10_000


def _network() -> keras.Model:
    keras.utils.set_random_seed(0)
    window = keras.Input((6,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(4, activation="relu")(window))
    network = keras.Model(window, keras.layers.Dense(6)(hidden))
    network.compile("adam", "mean_squared_error")
    network.optimizer.build(network.trainable_variables)
    return network


def test_compiled_and_plain_steps_train_as_keras_does_also_with_a_smaller_last_batch() -> None:
    windows = np.random.default_rng(1).standard_normal((3, 8, 6)).astype(np.float32)
    calls = [windows, windows[:2], windows[:1, :5], windows]
    expected = _network()
    for several in calls:
        for batch in several:
            expected.train_on_batch(batch, batch)
    for steps_expected in (0, ENOUGH):
        network = _network()
        traced = []

        def step(batch: object, network: keras.Model = network, traced: list[int] = traced) -> None:
            traced.append(1)
            network.train_step(batch)

        steps = Steps(network, step, expected=steps_expected)
        for several in calls:
            steps(several, several)
        for found, wanted in zip(network.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
        assert network.optimizer.iterations == expected.optimizer.iterations
        # A graph is traced once for all sizes; the compiled one leaves smaller batches to another.
        assert len(traced) == (2 if steps_expected else 1)


def test_inputs_may_differ_from_targets() -> None:
    given = np.ones((2, 4, 6), dtype=np.float32)
    network = _network()
    steps = Steps(network, network.test_step)
    steps(given, given * 3)
    loss = float(np.square(network.predict_on_batch(given[0]) - 3).mean())
    assert float(network.get_metrics_result()["loss"]) == pytest.approx(loss, rel=1e-4)


def test_items_made_ahead_keep_their_order_and_errors() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise ValueError("the sixth")

    made = ahead(items())
    assert [next(made) for _ in range(5)] == list(range(5))
    with pytest.raises(ValueError, match="the sixth"):
        next(made)
