"""Every parameter of the main pipeline that cannot work is refused, all in one message, before anything runs."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.check_parameters import check_parameters
from stethoscope.errors import ParameterError
from stethoscope.parameters import read_parameters

ROOT = Path(__file__).resolve().parents[1]


def defaults() -> dict[str, Any]:
    return {name: one.cast(one.default) for name, one in read_parameters(ROOT / "pipeline.yaml").items()}


def test_the_defaults_pass() -> None:
    check_parameters.python_func(**defaults())


def test_the_check_knows_every_parameter() -> None:
    assert set(check_parameters.component_spec.inputs) == set(defaults())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("dataset_url", "", "dataset_url is empty"),
        ("dataset_url", "dcase2020/pumpe", "dcase2020/pumpe: no public data set"),
        ("dataset_url", "simulated/fan?speed=2", "the simulator has no option 'speed'"),
        ("dataset_url", "ftp://host/x.zip", "ftp is not supported"),
        ("dataset_layout", "dcase1999", "dataset_layout is 'dcase1999'"),
        ("dataset_md5", "abc", "dataset_md5 is 'abc'"),
        ("max_fpr", 0.0, "max_fpr is 0.0"),
        ("feature_n_mels", 0, "feature_n_mels is 0"),
        ("feature_frames", 0, "feature_frames is 0"),
        ("feature_n_fft", 8, "feature_n_fft is 8"),
        ("feature_hop_length", 2048, "feature_hop_length is 2048"),
        ("feature_power", -1.0, "feature_power is -1.0"),
        ("feature_channel", -1, "feature_channel is -1"),
        ("feature_sample_rate", -1, "feature_sample_rate is -1"),
        ("feature_pad_mode", "wrap", "feature_pad_mode is 'wrap'"),
        ("detector", "oracle", "detector is 'oracle'"),
        ("detector_score", "mse", "detector_score is 'mse'; pooled-gmm can score by vote"),
        ("detector_epochs", 0, "detector_epochs is 0"),
        ("detector_epoch_share", 0.0, "detector_epoch_share is 0.0"),
        ("detector_threshold", "guess", "threshold method is 'guess'"),
        ("detector_false_alarm_rate", 1.0, "false_alarm_rate is 1.0"),
        ("fit_compile_optimizer", "adamant", "fit_compile_optimizer is 'adamant'"),
        ("fit_compile_loss", "grief", "fit_compile_loss is 'grief'"),
        ("fit_epochs", 0, "fit_epochs is 0"),
        ("fit_batch_size", 0, "fit_batch_size is 0"),
        ("fit_validation_split", 1.0, "fit_validation_split is 1.0"),
        ("fit_verbose", 3, "fit_verbose is 3"),
        ("export_formats", "onnx", "export_formats holds onnx"),
        ("seed", -1, "seed is -1"),
    ],
)
def test_each_impossible_value_is_named(name: str, value: object, message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        check_parameters.python_func(**{**defaults(), name: value})
    assert message in str(caught.value)
    assert "; " not in str(caught.value).split(message)[0], "it is the only problem"


def test_all_problems_come_in_one_message() -> None:
    wrong = {"dataset_url": "", "feature_n_mels": 0, "feature_power": 0.0, "fit_epochs": 0, "max_fpr": 2.0, "detector": "oracle"}
    with pytest.raises(ParameterError) as caught:
        check_parameters.python_func(**{**defaults(), **wrong})
    assert all(name in str(caught.value) for name in wrong)
    assert "\n" not in str(caught.value)


def test_the_check_of_the_defaults_loads_no_tensorflow() -> None:
    program = """
import sys
for name in ("tensorflow", "keras"):
    sys.modules[name] = None
from stethoscope.check import check_detection
check_detection(dataset_url="simulated/fan", dataset_layout="auto", dataset_md5="", max_fpr=0.1, threshold="gamma",
    false_alarm_rate=0.1, context=5, export_formats="tflite", feature={}, detector={}, fit={})
"""
    subprocess.run([sys.executable, "-c", program], check=True)
