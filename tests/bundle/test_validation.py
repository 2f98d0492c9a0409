"""Bundles whose digests are right, but not what their files hold."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.manifest import update_manifest
from stethoscope.errors import ModelError
from stethoscope.files import read_json, write_json

DETECTOR, EVENTS = "models/detector", "models/events"


def nested(value: dict[str, Any], name: str, new: Any) -> dict[str, Any]:
    """Return an object with the value at a name such as ``decoder.length`` replaced."""
    first, _, rest = name.partition(".")
    return {**value, first: nested(value[first], rest, new) if rest else new}


def refuses(bundle: Path, message: str) -> None:
    update_manifest(bundle, changed=["models", "golden"])
    with pytest.raises(ModelError, match=message) as refused:
        Bundle.open(bundle)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("file", "name", "value", "message"),
    [
        (f"{DETECTOR}/model.json", "kind", ["pooled-gmm"], "holds a model of kind"),
        (f"{DETECTOR}/model.json", "machines", {}, "machines is an empty object"),
        (f"{DETECTOR}/model.json", "machines", {"../fan": ["00"]}, "it must be a name without /"),
        (f"{DETECTOR}/model.json", "machines.fan", ["00"], r"has the shape .* must be \(4, 1\)"),
        (f"{DETECTOR}/model.json", "pooling.segment_seconds", 0, "pooling.segment_seconds is 0"),
        (f"{DETECTOR}/model.json", "pooling.bands", 4, "pooling.bands is not known to recipe 1"),
        (f"{DETECTOR}/feature.json", "n_mels", "32", "n_mels is '32'; it must be a whole number"),
        (f"{DETECTOR}/feature.json", "n_mels", 20, r"frame_mean has the shape \(2, 16\)"),
        (f"{DETECTOR}/feature.json", "n_mels", 10**6, "n_mels is 1000000; at most half"),
        (f"{DETECTOR}/feature.json", "sample_rate", 0, "sample_rate is 0"),
        (f"{DETECTOR}/feature.json", "kind", "mfcc", "holds the feature mfcc|is not known"),
        (f"{DETECTOR}/feature.json", "gain", 2.0, "gain is not known to this version"),
        (f"{EVENTS}/model.json", "window", 33, "takes n × 32 × 48, the model gives n × 33 × 48"),
        (f"{EVENTS}/model.json", "stride", 0, "stride is 0; it must be a whole number, at least 1"),
        (f"{EVENTS}/model.json", "deviation", -1.0, "deviation is -1.0"),
        (f"{EVENTS}/model.json", "decoder.length", None, "decoder.length is None"),
        (f"{EVENTS}/model.json", "thresholds", {"int8": 0.5}, "has no float network"),
        (f"{EVENTS}/feature.json", "hop_length", 10**9, "hop_length is 1000000000"),
        ("golden/events/golden.json", "score", "high", "score is 'high'"),
        ("golden/detector/golden.json", "machine", "pump/00", "machine type 'pump'"),
    ],
)
def test_wrong_value_in_a_file_is_named(
    sealed: Path, file: str, name: str, value: Any, message: str
) -> None:
    write_json(sealed / file, nested(read_json(sealed / file), name, value))
    refuses(sealed, message)


def with_array(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def alter(bundle: Path) -> None:
        path = bundle / DETECTOR / "fan.npz"
        with np.load(path) as file:
            arrays = dict(file)
        np.savez(path, **{**arrays, name: change(arrays[name])})

    return alter


def with_frames(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def alter(bundle: Path) -> None:
        path = bundle / "golden/events/frames.npy"
        np.save(path, change(np.load(path)))

    return alter


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (with_array("scale", lambda one: 0 * one), "scale holds 0; it must be a positive number"),
        (with_array("centre", lambda one: one[:, :1]), r"centre has the shape \(4, 1\)"),
        (with_array("steady_precision", lambda one: one * np.nan), "steady_precision holds"),
        (with_array("rhythm_means", lambda one: one.astype(int)), "values of type int64"),
        (with_array("weights", lambda one: one[:0]), r"weights has the shape \(0,\)"),
        (with_frames(lambda one: one[:, :5]), "has the shape"),
        (with_frames(lambda one: one[:4]), "has no golden sound of a window"),
        (with_frames(lambda one: one * np.inf), "not a finite number"),
        (lambda bundle: (bundle / EVENTS / "events_float.tflite").write_bytes(b"x" * 99), "TFLite"),
        (lambda bundle: (bundle / EVENTS / "events_float.tflite").unlink(), "is missing"),
        (
            lambda bundle: (bundle / EVENTS / "events_int8.tflite").replace(
                bundle / EVENTS / "events_float.tflite"
            ),
            "does not take and give one array of float32",
        ),
    ],
)
def test_wrong_array_or_network_is_named(
    sealed: Path, alter: Callable[[Path], object], message: str
) -> None:
    alter(sealed)
    refuses(sealed, message)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("thresholds", None, "thresholds"),
        ("thresholds.false_alarm_rate", 0, "false_alarm_rate is 0; it must be above 0"),
        ("thresholds.machines", {}, "machines is an empty object"),
        ("thresholds.machines.fan/00.value", "0.5", "value is '0.5'"),
        ("thresholds.machines.fan/00.gamma.shape", -1, "shape is -1"),
        ("thresholds.unknown", {}, "the name '' is missing"),
        ("roles", ["events", "oracle"], "holds a model for 'oracle'"),
        ("roles", ["diagnosis"], "has a diagnosis and no detector|diagnosis"),
        ("machines", ["fan/00"], "machines"),
    ],
)
def test_wrong_entry_of_the_manifest_is_named(
    sealed: Path, name: str, value: Any, message: str
) -> None:
    manifest = read_json(sealed / "bundle.json")
    first = name.partition(".")[0]
    update_manifest(sealed, **{first: nested(manifest, name, value)[first]})
    refuses(sealed, message)
