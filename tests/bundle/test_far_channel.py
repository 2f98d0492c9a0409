"""A bundle whose feature subtracts what a far microphone receives."""

from pathlib import Path

import pytest
import soundfile

from stethoscope.bundle.build import export_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.scores import read_scores
from stethoscope.detection.train import train_detector
from stethoscope.errors import AudioError
from stethoscope.features.extract import extract_features
from stethoscope.sound.logmel import LogMel


def test_verdicts_use_both_channels_and_a_mono_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fan.zip"
    simulate_archive(
        path, machine="fan", ids=1, train_clips=4, test_anomaly=2, channels=2, seconds=2.0
    )
    features = tmp_path / "features"
    store = extract_features([path], index([path]), LogMel(far_channel=1), features, min_frames=5)
    train_detector(store, PooledGmm(), tmp_path / "model", validation_split=0, seed=0)
    evaluate_detector(features, tmp_path / "model", tmp_path / "results")
    export_bundle(tmp_path / "model", tmp_path / "results", tmp_path / "bundle")
    inference = Inference(Bundle.open(tmp_path / "bundle"))
    scored = read_scores(tmp_path / "results/scores.csv")[0]
    with open_archive(path) as archive:
        content = archive.read(scored.path)
    verdict = inference.verdict(content, name=scored.path)
    assert verdict.score == pytest.approx(scored.score, rel=1e-4)
    (tmp_path / "clip.wav").write_bytes(content)
    samples, rate = soundfile.read(tmp_path / "clip.wav")
    soundfile.write(tmp_path / "mono.wav", samples[:, 0], rate)
    with pytest.raises(AudioError, match=r"mono.wav: has 1 channel, channel 1 does not exist"):
        inference.verdict(tmp_path / "mono.wav")
