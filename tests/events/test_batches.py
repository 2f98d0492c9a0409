import numpy as np
import pytest

from stethoscope.datasets.clips import Clip
from stethoscope.events.batches import LabelledBatches, TrainingBatches
from stethoscope.events.options import EventFit
from stethoscope.events.windows import LabelledWindows
from stethoscope.features.store import FeatureStore

NORMALISATION = (3.0, 2.0)


def whole_epoch(batches: LabelledBatches) -> tuple[np.ndarray, np.ndarray]:
    blocks = [[part.reshape(-1, *part.shape[2:]) for part in one] for one in batches.blocks(2)]
    frames, labels = (np.concatenate([block[place] for block in blocks]) for place in (0, 1))
    return frames, labels


def test_validation_windows_are_normalised_and_in_order(
    store: FeatureStore, table: list[Clip]
) -> None:
    fit = EventFit(batch_size=50, augmentation=True)
    windows = LabelledWindows.cut(store, table, fit)
    frames, labels = whole_epoch(
        LabelledBatches(store, windows, windows.of("validation"), fit, NORMALISATION)
    )
    indices = windows.of("validation")
    assert frames == pytest.approx((windows.gather(store, indices, 32) - 3.0) / 2.0, abs=1e-5)
    assert (labels == windows.label[indices]).all()


def test_epoch_of_training_draws_other_windows_without_repetition(
    store: FeatureStore, table: list[Clip]
) -> None:
    fit = EventFit(batch_size=64, augmentation=False)
    windows = LabelledWindows.cut(store, table, fit)
    batches = TrainingBatches(
        store, windows, fit, NORMALISATION, per_epoch=(100, 0), weights=(0.5, 2.0)
    )
    first, _ = whole_epoch(batches)
    second, _ = whole_epoch(batches)
    for frames in (first, second):
        assert len(frames) == 100
        assert len(np.unique(frames.reshape(100, -1), axis=0)) == 100
    assert not np.array_equal(first, second)


def test_augmentation_adds_background_and_changes_loudness(
    store: FeatureStore, table: list[Clip]
) -> None:
    windows = LabelledWindows.cut(store, table, EventFit())
    plain, augmented = (
        whole_epoch(
            TrainingBatches(
                store,
                windows,
                fit,
                (0.0, 1.0),
                per_epoch=(len(windows.of("training")), 0),
                weights=(1.0, 1.0),
            )
        )
        for fit in (EventFit(augmentation=False), EventFit())
    )
    # One seed draws the same first two batches.
    ratio = np.expm1(augmented[0][:256]) / np.expm1(plain[0][:256])
    assert (augmented[1][:256] == plain[1][:256]).all()
    assert ratio.min() > np.exp(-0.4) - 1e-3, "magnitudes are only added"
    spread = ratio.max(axis=(1, 2)) / ratio.min(axis=(1, 2))
    unmixed = spread < 1.01
    assert 0.3 < unmixed.mean() < 0.7
    assert ratio[unmixed].max() < np.exp(0.4) + 1e-3


def test_windows_inside_events_have_the_second_weight(
    store: FeatureStore, table: list[Clip]
) -> None:
    fit = EventFit()
    windows = LabelledWindows.cut(store, table, fit)
    batches = TrainingBatches(
        store, windows, fit, NORMALISATION, per_epoch=(100, 0), weights=(0.5, 2.0)
    )
    _, labels, weights = batches.gather(batches.draw_order())
    assert set(weights.ravel()) == {0.5, 2.0}
    np.testing.assert_array_equal(weights == 2.0, labels == 1)
