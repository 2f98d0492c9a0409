import numpy as np

from stethoscope.detection.pooled.folds import RecordingOrder


def test_contiguous_folds_hold_neighbours_and_interleaved_ones_do_not() -> None:
    recordings = [
        f"{number:02d}" for number in (6, 0, 1, 2, 3, 4, 5, 0)
    ]  # the last clip is of the same recording as the second
    order = RecordingOrder.of(recordings, ["fan/00"], np.zeros(8, dtype=np.intp))
    assert order.contiguous(3).tolist() == [2, 0, 0, 0, 1, 1, 2, 0]
    assert order.interleaved(3).tolist() == [0, 0, 1, 2, 0, 1, 2, 0]
    few = RecordingOrder.of(["a", "b"], ["fan/00"], np.zeros(2, dtype=np.intp))
    assert few.contiguous(3).tolist() == few.interleaved(10).tolist() == [0, 1]
