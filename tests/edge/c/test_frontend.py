"""Features that C computes, compared with those of Python."""

import ctypes
from pathlib import Path

import numpy as np

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.golden import golden_sound
from stethoscope.classification.model import Classifier, prepare_frames
from stethoscope.edge.c.frontend import stream_frames
from stethoscope.edge.c.layers import read_layers
from stethoscope.events.model import EventDetector, normalise
from stethoscope.model.network import quantise
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from tests.edge.c_tools import c_frames, load_library, pointer, recording
from tests.edge.clips import sound


def test_band_spectra_in_c_equal_those_of_python(
    loaded: ctypes.CDLL, beep_folder: Path, beep_parts: Path
) -> None:
    pcm = recording(beep_folder)
    rng = np.random.default_rng(0)
    loud = np.clip(9000 * rng.standard_normal(8000), -32768, 32767).astype(np.int16)
    tone = np.rint(32767 * np.sin(2 * np.pi * 437 * np.arange(8000) / 16000)).astype(np.int16)
    feature = EventDetector.open(beep_parts / "model").feature
    for samples in (pcm, loud, tone, np.zeros(2000, np.int16), np.full(2000, -32768, np.int16)):
        expected = feature.extract(samples.astype(np.float32) / np.float32(32768))
        got = c_frames(loaded, samples, 256, 128, 48)
        # In single precision a quiet bin has the rounding errors of the loudest one.
        loudest = np.expm1(expected).max(axis=1, keepdims=True)
        assert (np.abs(np.expm1(got) - np.expm1(expected)) <= 5e-6 * loudest + 1e-3).all()


def test_log_mel_spectra_in_c_equal_those_of_python(
    c_anomaly: Path, edge_bundle: Path, tmp_path: Path
) -> None:
    library = load_library(c_anomaly, tmp_path / "model.so")
    feature = Bundle.open(edge_bundle).detector.feature
    pcm = np.rint(golden_sound(feature.sample_rate, 1.0) * 32767).astype(np.int16)
    expected = stream_frames(feature, pcm.astype(np.float32) / np.float32(32768))
    work = np.empty(feature.n_fft, dtype=np.float32)
    for index, frame in enumerate(expected):
        got = np.empty_like(frame)
        part = np.ascontiguousarray(pcm[index * feature.hop_length :][: feature.n_fft])
        library.frontend_frame(*(ctypes.c_void_p(one.ctypes.data) for one in (part, got, work)))
        assert np.abs(got - frame).max() <= 1e-5 * np.abs(expected).max()


def test_features_of_clips_in_c_equal_those_of_python(made: Path, tmp_path: Path) -> None:
    library = load_library(made / "c", tmp_path / "model.so")
    feature = Classifier.open(made / "model").feature
    library.detector_floor.restype = ctypes.c_float
    state = ctypes.create_string_buffer(1 << 20)
    for pcm in (sound("hiss", 50, 1.3), sound("tone", 51, 0.4), np.zeros(3000, np.float32)):
        samples = np.rint(pcm * 32767).astype(np.int16)
        expected = prepare_frames(
            feature.extract(samples.astype(np.float32) / np.float32(32768)), feature
        )
        pointer, count = ctypes.c_void_p(samples.ctypes.data), ctypes.c_size_t(len(samples))
        floor = ctypes.c_float(library.detector_floor(state, pointer, count))
        n_bands = feature.n_mels if isinstance(feature, Mfcc | LogMel) else 0
        place = 2 * feature.n_fft + 4 * feature.n_fft + 4 * n_bands
        for number, frame in enumerate(expected):
            library.detector_frame(state, pointer, count, ctypes.c_size_t(number), floor)
            got = np.frombuffer(state.raw[place : place + 4 * feature.size], dtype=np.float32)
            assert np.abs(got - frame).max() <= 1e-5 * max(1.0, np.abs(expected).max()), number


def test_quantisation_in_c_rounds_as_python_does(loaded: ctypes.CDLL, beep_parts: Path) -> None:
    network = read_layers((beep_parts / "model" / "events_int8.tflite").read_bytes(), "x")
    detector = EventDetector.open(beep_parts / "model", "int8")
    frames = np.linspace(-5, 20, 48 * 100, dtype=np.float32).reshape(100, 48)
    expected = quantise(
        normalise(frames, detector.mean, detector.deviation), network.in_scale, network.in_zero
    )
    rows = np.empty_like(expected)
    for frame, row in zip(frames, rows, strict=True):
        loaded.detector_quantise(pointer(frame), pointer(row))
    assert (rows == expected).all()
