from pathlib import Path

import numpy as np
import pytest

from stethoscope.detection.identity.crops import SPEEDS, Crops, TrainingInputs, at_speed
from stethoscope.detection.identity.inputs import Resolutions
from stethoscope.features.store import FeatureStore
from stethoscope.sound.sampled import SampledLogMel


def inputs_of(path: Path, machine_type: str) -> TrainingInputs:
    store = FeatureStore.open(path)
    clips = store.where(lambda clip: clip.split == "train" and clip.machine_type == machine_type)
    assert isinstance(store.feature, SampledLogMel)
    return TrainingInputs.of(store, clips[2:], clips[:2], Resolutions(store.feature, 256))


def test_a_type_with_one_id_adds_classes_of_speed(two_types_sampled: Path) -> None:
    fans, pumps = (inputs_of(two_types_sampled, name) for name in ("fan", "pump"))
    assert (fans.n_classes, len(fans.classes)) == (2, 12)
    assert (pumps.n_classes, len(pumps.classes)) == (len(SPEEDS), 6 * len(SPEEDS))
    assert sorted(set(pumps.classes.tolist())) == list(range(len(SPEEDS)))
    assert pumps.held_out.sum() == 2 * len(SPEEDS)


def test_a_faster_clip_is_shorter_and_higher() -> None:
    feature = SampledLogMel(sample_rate=16_000)
    tone = np.sin(2 * np.pi * 500.0 * np.arange(16_000) / 16_000).astype(np.float32)
    frames = feature.extract(tone)
    faster = at_speed(frames, Resolutions(feature), 2**0.25)
    assert len(faster) == pytest.approx(len(frames) / 2**0.25, abs=2)
    spectrum = np.abs(np.fft.rfft(faster[:, feature.n_mels :].ravel()[:12_000]))
    assert spectrum.argmax() * 16_000 / 12_000 == pytest.approx(500 * 2**0.25, abs=2)
    assert at_speed(frames, Resolutions(feature), 1.0) is frames


def test_statistics_are_those_of_all_frames_that_are_trained_on(two_types_sampled: Path) -> None:
    store = FeatureStore.open(two_types_sampled)
    assert isinstance(store.feature, SampledLogMel)
    resolutions = Resolutions(store.feature, 256)
    clips = np.array([0, 12, 3])  # of two fans
    inputs = TrainingInputs.of(store, clips[:2], clips[2:], resolutions)
    mean, variance = inputs.statistics(resolutions)
    assert len(mean) == len(variance) == 3 + 12 + 48 + 256
    bands = np.concatenate(
        [np.array(store.clip_frames(clip)[:, :12], dtype=np.float64) for clip in clips[:2]]
    ).reshape(2, -1, 12)
    bands -= bands.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(mean[3:15], bands.mean(axis=(0, 1)), atol=1e-4)
    np.testing.assert_allclose(variance[3:15], bands.var(axis=(0, 1)), rtol=1e-4)
    spectra = [resolutions.of(store.clip_frames(clip)).spectrum for clip in clips[:2]]
    np.testing.assert_allclose(mean[63:], np.mean(spectra, axis=0), atol=1e-4)


def test_windows_are_parts_of_clips_and_mixed_ones_have_mixed_labels(
    two_types_sampled: Path,
) -> None:
    inputs = inputs_of(two_types_sampled, "fan")
    clips = np.flatnonzero(~inputs.held_out)
    crops = Crops(inputs, clips, 16, seed=0, mixup=False, n_outputs=2)
    (windows, labels), wanted = crops.gather(crops.draw_order())
    assert len(wanted) == 2
    np.testing.assert_array_equal(labels, wanted[1])
    rows = windows[0][:-256].reshape(16, -1)
    places = [
        (clip, start)
        for clip in clips
        for start in range(0, 25, 4)
        if np.array_equal(inputs.store.clip_frames(clip)[start : start + 16], rows)
    ]
    assert len(places) == 1
    clip = places[0][0]
    np.testing.assert_array_equal(windows[0][-256:], inputs.spectra[clip])
    assert labels[0].argmax() == inputs.classes[clip]
    crops = Crops(inputs, clips, 16, seed=0, mixup=True)
    (_, mixed), _ = crops.gather(crops.draw_order())
    np.testing.assert_allclose(mixed.sum(axis=1), 1, rtol=1e-6)
    assert ((mixed > 0).sum(axis=1) == 2).any()
