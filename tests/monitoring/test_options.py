"""Every parameter of the main pipeline that cannot work is refused, all in one message, before
anything runs.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.check_events import check_events
from components.check_parameters import check_parameters
from stethoscope.errors import ParameterError
from stethoscope.kubeflow.parameters import read_parameters

ROOT = Path(__file__).resolve().parents[2]


def defaults() -> dict[str, Any]:
    return {
        name: one.cast(one.default) for name, one in read_parameters(ROOT / "pipeline.yaml").items()
    }


def test_the_defaults_pass() -> None:
    check_parameters.python_func(**defaults())


def test_the_check_knows_every_parameter() -> None:
    assert set(check_parameters.component_spec.inputs) == set(defaults())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("dataset_url", "", "dataset_url is empty"),
        (
            "dataset_url",
            "dcase2020/pumpe",
            "dcase2020/pumpe: no such file or folder, and no public data set",
        ),
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
        (
            "detector_threshold",
            "guess",
            "detector_threshold is 'guess'; choose one of gamma, empirical",
        ),
        ("detector_false_alarm_rate", 1.0, "detector_false_alarm_rate is 1.0"),
        ("fit_compile_optimizer", "adamant", "fit_compile_optimizer is 'adamant'"),
        ("fit_compile_loss", "grief", "fit_compile_loss is 'grief'"),
        ("fit_epochs", 0, "fit_epochs is 0"),
        ("fit_batch_size", 0, "fit_batch_size is 0"),
        ("fit_validation_split", 1.0, "fit_validation_split is 1.0"),
        ("fit_verbose", 3, "fit_verbose is 3"),
        ("fault_groups", -2, "fault_groups is -2"),
        ("fault_description", "odd", "fault_description is 'odd'"),
        ("fault_components", 0, "fault_components is 0"),
        ("fault_names", "a" * 81, "of fault 1 cannot be used"),
        ("fault_normal_clips", -2, "fault_normal_clips is -2"),
        ("fault_holdout_id", "00,02", "fault_holdout_id is '00,02'"),
        ("fault_plots", "pie", "fault_plots holds pie"),
        ("fault_sample_rate", -1, "fault_sample_rate is -1"),
        ("fault_n_mfcc", 129, "fault_n_mfcc is 129"),
        ("fault_n_fft", 8, "fault_n_fft is 8"),
        ("fault_hop_length", 0, "fault_hop_length is 0"),
        (
            "fault_hop_length",
            4096,
            "fault_hop_length is 4096; it must not exceed fault_n_fft, 2048",
        ),
        ("class_augmentations", "echo 1", "augmentation 'echo 1' is not known"),
        ("class_window", -1, "class_window is -1"),
        ("class_filters", "a,b", "class_filters is 'a,b'"),
        ("class_dropout", 1.0, "class_dropout is 1.0"),
        ("class_epochs", 0, "class_epochs is 0"),
        ("class_patience", 0, "class_patience is 0"),
        ("class_batch_size", 0, "class_batch_size is 0"),
        ("class_learning_rate", 0.0, "class_learning_rate is 0.0"),
        ("class_validation_split", 1.0, "class_validation_split is 1.0"),
        ("class_test_split", 0.0, "class_test_split is 0.0"),
        ("class_mask", 1.5, "class_mask is 1.5"),
        ("class_mixup", -1.0, "class_mixup is -1.0"),
        ("export_formats", "onnx", "export_formats holds onnx"),
        ("seed", -1, "seed is -1"),
    ],
)
def test_each_impossible_value_is_named(name: str, value: object, message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        check_parameters.python_func(**{**defaults(), name: value})
    assert message in str(caught.value)
    before = str(caught.value).split(message)[0]
    assert before.count("; ") == (name == "class_augmentations"), "it is the only problem"


def test_all_problems_come_in_one_message() -> None:
    wrong = {
        "dataset_url": "",
        "feature_n_mels": 0,
        "feature_power": 0.0,
        "fit_epochs": 0,
        "max_fpr": 2.0,
        "detector": "oracle",
    }
    with pytest.raises(ParameterError) as caught:
        check_parameters.python_func(**{**defaults(), **wrong})
    assert all(name in str(caught.value) for name in wrong)
    assert "\n" not in str(caught.value)


def event_defaults() -> dict[str, Any]:
    return {
        name: one.cast(one.default)
        for name, one in read_parameters(ROOT / "pipelines" / "event_detection.yaml").items()
    }


def test_the_check_of_events_passes_the_defaults_and_knows_every_parameter() -> None:
    check_events.python_func(**event_defaults())
    assert set(check_events.component_spec.inputs) == set(event_defaults())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("dataset_url", "", "dataset_url is empty"),
        ("dataset_url", "simulated/bells?ids=2", "the simulator has no option 'ids'"),
        ("dataset_layout", "dcase1999", "dataset_layout is 'dcase1999'"),
        ("dataset_md5", "abc", "dataset_md5 is 'abc'"),
        ("event_sample_rate", -1, "event_sample_rate is -1"),
        ("event_channel", -1, "event_channel is -1"),
        ("event_n_fft", 200, "event_n_fft is 200"),
        ("event_hop_length", 300, "event_hop_length is 300"),
        ("event_n_bands", 130, "event_n_bands is 130"),
        ("event_window", 4, "event_window is 4; 2 convolutions"),
        ("event_stride", 0, "event_stride is 0"),
        ("event_filters", "8;8", "event_filters is '8;8'"),
        ("event_strides", "1,1,1", "event_strides is '1,1,1'"),
        ("event_kernel", 0, "event_kernel is 0"),
        ("event_dropout", 1.0, "event_dropout is 1.0"),
        ("event_epochs", 0, "event_epochs is 0"),
        ("event_patience", 0, "event_patience is 0"),
        ("event_batch_size", 0, "event_batch_size is 0"),
        ("event_division", "random", "event_division is 'random'"),
        ("event_interval", 0.0, "event_interval is 0.0"),
        ("event_hold_off", 0, "event_hold_off is 0"),
        ("event_tolerance", -0.1, "event_tolerance is -0.1"),
        ("event_network", "large", "event_network is 'large'"),
        ("event_false_per_hour", -1.0, "event_false_per_hour is -1.0"),
        ("export_max_drop", 2.0, "export_max_drop is 2.0"),
        ("seed", -1, "seed is -1"),
    ],
)
def test_each_impossible_value_of_events_is_named(name: str, value: object, message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        check_events.python_func(**{**event_defaults(), name: value})
    assert message in str(caught.value)


def test_all_problems_of_events_come_in_one_message() -> None:
    wrong = {
        "dataset_url": "",
        "event_n_fft": 200,
        "event_channel": -1,
        "event_filters": "a",
        "event_epochs": 0,
        "export_max_drop": 2.0,
    }
    with pytest.raises(ParameterError) as caught:
        check_events.python_func(**{**event_defaults(), **wrong})
    assert all(name in str(caught.value) for name in wrong)


def test_the_check_of_the_defaults_loads_no_tensorflow() -> None:
    program = """
import sys
for name in ("tensorflow", "keras"):
    sys.modules[name] = None
from stethoscope.events.options import EVENTS
from stethoscope.monitoring.options import MONITORING
for parameters in (EVENTS, MONITORING):
    parameters.check(parameters.defaults)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
