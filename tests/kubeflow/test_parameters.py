import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.errors import ParameterError
from stethoscope.kubeflow.parameters import (
    CompiledParameter,
    cast_values,
    parse_assignments,
    read_parameters,
)
from stethoscope.runs.pipelines import compiled_file

MAIN = read_parameters(compiled_file("main"))


def test_defaults_of_the_dcase_parameters_are_those_of_dcase() -> None:
    expected = {
        "dataset_url": "simulated/fan",
        "max_fpr": 0.1,
        "feature_n_mels": 128,
        "feature_frames": 5,
        "feature_n_fft": 1024,
        "feature_hop_length": 512,
        "feature_power": 2.0,
        "fit_compile_optimizer": "adam",
        "fit_compile_loss": "mean_squared_error",
        "fit_epochs": 100,
        "fit_batch_size": 512,
        "fit_shuffle": True,
        "fit_validation_split": 0.1,
        "fit_verbose": 1,
    }
    assert {name: MAIN[name].default for name in expected} == expected


def test_every_parameter_has_a_default_and_a_description() -> None:
    for parameter in MAIN.values():
        assert parameter.default is not None, parameter.name
        assert parameter.description, parameter.name


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("fit_epochs", "2", 2),
        ("fit_epochs", "1e2", 100),
        ("fit_epochs", " 7 ", 7),
        ("max_fpr", "0.2", 0.2),
        ("max_fpr", "1", 1.0),
        ("fit_shuffle", "False", False),
        ("fit_shuffle", "yes", True),
        ("fit_shuffle", "0", False),
        ("detector", "123", "123"),
    ],
)
def test_text_is_cast_to_the_compiled_type(name: str, text: str, value: object) -> None:
    cast = cast_values(MAIN, {name: text})[name]
    assert cast == value
    assert type(cast) is type(value)


def test_one_error_lists_every_wrong_value() -> None:
    with pytest.raises(ParameterError) as caught:
        cast_values(
            MAIN,
            {
                "fit_epochs": "two",
                "max_fpr": "nan",
                "fit_epoch": "3",
                "fit_shuffle": "maybe",
                "seed": "1.5",
            },
        )
    message = str(caught.value)
    assert "fit_epochs is 'two'; it must be a whole number" in message
    assert "max_fpr is 'nan'; it must be a number" in message
    assert "fit_epoch is no parameter, did you mean fit_epochs?" in message
    assert "fit_shuffle is 'maybe'; it must be true or false" in message
    assert "seed is '1.5'" in message


def test_lists_are_json() -> None:
    parameters = {"machines": CompiledParameter("machines", "LIST", [], "")}
    assert cast_values(parameters, {"machines": '[{"machine": "fan"}]'}) == {
        "machines": [{"machine": "fan"}]
    }
    with pytest.raises(ParameterError, match="a JSON list"):
        cast_values(parameters, {"machines": "{}"})


def test_parameter_without_default_needs_a_value() -> None:
    with pytest.raises(ParameterError, match="bundle needs a value"):
        cast_values({"bundle": CompiledParameter("bundle", "STRING", None, "")}, {})


def test_assignments_are_split_at_the_first_equals_sign() -> None:
    assert parse_assignments(["a=1", "url=https://x/y?download=1", "empty="]) == {
        "a": "1",
        "url": "https://x/y?download=1",
        "empty": "",
    }
    with pytest.raises(ParameterError, match="'fit_epochs' is not of the form name=value"):
        parse_assignments(["fit_epochs"])
    with pytest.raises(ParameterError, match="a is given twice"):
        parse_assignments(["a=1", "a=2"])


@given(st.sampled_from(sorted(MAIN)), st.text())
def test_any_text_is_cast_or_refused_with_the_name(name: str, text: str) -> None:
    with contextlib.suppress(ParameterError):
        value = cast_values(MAIN, {name: text})[name]
        assert type(value) is type(MAIN[name].cast(MAIN[name].default))
        return
    with pytest.raises(ParameterError, match=rf"^{name} is "):
        cast_values(MAIN, {name: text})
