from dataclasses import replace

import numpy as np
import pytest

from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError
from stethoscope.events.options import EventFit
from stethoscope.events.windows import PARTS, LabelledWindows
from stethoscope.features.store import FeatureStore


def test_each_recording_is_in_one_part(store: FeatureStore, table: list[Clip]) -> None:
    for seed in range(5):
        windows = LabelledWindows.cut(store, table, EventFit(seed=seed))
        clips = {part: set(windows.clip[windows.of(part)]) for part in PARTS}
        assert [len(clips[part]) for part in PARTS] == [5, 1, 2]
        assert len(set.union(*clips.values())) == 8


def test_sequential_division_divides_windows_in_order(
    store: FeatureStore, table: list[Clip]
) -> None:
    windows = LabelledWindows.cut(store, table, EventFit(division="sequential"))
    assert (np.diff(windows.part) >= 0).all()
    fractions = [len(windows.of(part)) / len(windows.clip) for part in PARTS]
    assert fractions == pytest.approx([0.6, 0.2, 0.2], abs=0.01)


def test_frames_of_windows_with_an_event_contain_its_tone(
    store: FeatureStore, table: list[Clip]
) -> None:
    """A beep at 1.8 kHz has a high level in band 28."""
    windows = LabelledWindows.cut(store, table, EventFit())
    inside, outside = (
        windows.gather(store, np.flatnonzero(windows.label[:, 0] == label), 32)[:, :, 28]
        for label in (1, 0)
    )
    assert inside.min() > 5.0
    assert inside.mean() > outside.mean() + 2


def test_finer_windows_keep_recordings_in_their_part(
    store: FeatureStore, table: list[Clip]
) -> None:
    windows = LabelledWindows.cut(store, table, EventFit())
    finer = windows.finer(store, table, EventFit())
    for part in PARTS:
        assert set(finer.clip[finer.of(part)]) == set(windows.clip[windows.of(part)])
    assert set(np.diff(finer.first[finer.clip == 0])) == {2}


def test_finer_windows_of_a_sequential_division_lie_in_the_training_stretches(
    store: FeatureStore, table: list[Clip]
) -> None:
    fit = EventFit(division="sequential")
    windows = LabelledWindows.cut(store, table, fit)
    finer = windows.finer(store, table, fit)
    before, after = windows.of("training"), finer.of("training")
    assert set(windows.clip[before]) == set(finer.clip[after])
    for clip in set(windows.clip[before]):
        coarse = windows.first[before][windows.clip[before] == clip]
        fine = finer.first[after][finer.clip[after] == clip]
        assert fine.tolist() == list(range(coarse[0], coarse[-1] + 1, 2))


def test_unknown_label_is_refused_with_the_labels_that_exist(
    store: FeatureStore, table: list[Clip]
) -> None:
    with pytest.raises(DatasetError, match="no interval has the label Knock; labels found: Beep"):
        LabelledWindows.cut(store, table, EventFit(positive="Knock"))


def test_too_few_recordings_are_refused(store: FeatureStore, table: list[Clip]) -> None:
    few = replace(
        store, clips=store.clips[:2], first_frame=store.first_frame[:2], n_frames=store.n_frames[:2]
    )
    with pytest.raises(DatasetError, match="give at least 3, or set event_division=sequential"):
        LabelledWindows.cut(few, table, EventFit())


def test_events_shorter_than_a_window_are_refused(store: FeatureStore, table: list[Clip]) -> None:
    with pytest.raises(
        DatasetError, match="no window inside an event; give more recordings, or shorter windows"
    ):
        LabelledWindows.cut(store, table, EventFit(window=100))


def test_each_label_is_a_class_of_its_own(store: FeatureStore, table: list[Clip]) -> None:
    """Every second beep gets another label."""
    rows = [
        replace(clip, label="Boop") if clip.label and place % 2 else clip
        for place, clip in enumerate(table)
    ]
    windows = LabelledWindows.cut(store, rows, EventFit(classes="each"))
    assert windows.classes == ["Beep", "Boop"]
    for index, label in enumerate(windows.classes):
        alone = LabelledWindows.cut(store, rows, EventFit(positive=label))
        np.testing.assert_array_equal(windows.label[:, index], alone.label[:, 0])
        assert windows.intervals[index] == alone.intervals[0]
    together = LabelledWindows.cut(store, rows, EventFit())
    assert together.classes == ["Beep, Boop"]
    np.testing.assert_array_equal(together.label[:, 0], windows.label.any(axis=1))


def test_label_of_a_class_that_no_recording_has_is_refused(
    store: FeatureStore, table: list[Clip]
) -> None:
    with pytest.raises(DatasetError, match="no interval has the label Knock; labels found: Beep"):
        LabelledWindows.cut(store, table, EventFit(positive="Beep,Knock", classes="each"))


def test_part_that_lacks_a_class_is_refused_with_its_label(
    store: FeatureStore, table: list[Clip]
) -> None:
    first = next(clip for clip in table if clip.label)
    rows = [replace(clip, label="Boop") if clip is first else clip for clip in table]
    with pytest.raises(DatasetError, match="has no window inside an event of the class Boop"):
        LabelledWindows.cut(store, rows, EventFit(classes="each"))
