from pathlib import Path

import numpy as np
import pytest

from stethoscope.classification.model import Classifier, cover, limit_range
from stethoscope.errors import ModelError


@pytest.mark.parametrize(
    ("n_frames", "starts"),
    [(10, [0]), (11, [0, 1]), (20, [0, 10]), (25, [0, 8, 15]), (30, [0, 10, 20])],
)
def test_long_clips_are_covered_by_few_windows(n_frames: int, starts: list[int]) -> None:
    frames = np.arange(n_frames, dtype=np.float32)[:, np.newaxis]
    windows = cover(frames, 10)
    assert windows.shape == (len(starts), 10, 1)
    assert windows[:, 0, 0].tolist() == pytest.approx(starts, abs=0.51)
    assert set(windows.ravel()) == set(range(n_frames))


def test_short_clips_are_extended_with_their_own_end() -> None:
    frames = np.arange(4, dtype=np.float32)[:, np.newaxis]
    assert cover(frames, 6)[0, :, 0].tolist() == [0, 1, 2, 3, 2, 3]
    assert cover(frames, 10)[0, :, 0].tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 2, 3]


def test_digital_silence_is_raised_to_the_floor() -> None:
    frames = np.array([[-20.0, -90.0], [-156.0, -120.0]], dtype=np.float32)
    np.testing.assert_array_equal(limit_range(frames), [[-20.0, -90.0], [-100.0, -100.0]])


def test_what_is_no_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json"):
        Classifier.open(tmp_path)
    (tmp_path / "model.json").write_text('{"kind": "events", "schema_version": 1}')
    with pytest.raises(ModelError, match="holds a model of kind 'events'"):
        Classifier.open(tmp_path)
