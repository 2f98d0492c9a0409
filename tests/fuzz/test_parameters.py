import itertools
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.errors import ParameterError
from stethoscope.kubeflow.compiled import read_spec
from stethoscope.kubeflow.parameters import cast_values, parameters_of, parse_assignments
from stethoscope.runs.pipelines import PIPELINES, compiled_file
from tests.fuzz.common import fuzzed, one_line

COMPILED = {name: parameters_of(read_spec(compiled_file(name))) for name in PIPELINES}
TEXT = (
    st.text(max_size=20)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from(
        ("", "true", "1e400", "-0", "1,2,,3", "nan", "9" * 5000, "²", "auto", "gamma", "[1]", "{}")
    )
)


@st.composite
def assignments(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Draw a pipeline, and texts of parameters of which most exist."""
    name = draw(st.sampled_from([*PIPELINES]))
    known = draw(st.lists(st.sampled_from([*COMPILED[name]]), max_size=6, unique=True))
    texts = [f"{one}={draw(TEXT)}" for one in known]
    return name, texts + draw(st.lists(TEXT, max_size=1))


@fuzzed
@given(assignments())
def test_any_values_are_accepted_or_refused_with_all_that_is_wrong(
    given_texts: tuple[str, list[str]],
) -> None:
    name, texts = given_texts
    parameters = COMPILED[name]
    try:
        values: dict[str, Any] = cast_values(parameters, parse_assignments(texts))
        complete = {one: parameters[one].default for one in parameters} | values
        with patch("stethoscope.progress.warn"):
            PIPELINES[name].parameters.check(complete)
    except ParameterError as error:
        one_line(error)


@pytest.mark.parametrize("name", sorted(PIPELINES))
def test_a_text_of_any_length_and_kind_is_refused_in_one_line(name: str) -> None:
    parameters = COMPILED[name]
    for one, text in itertools.product(parameters, ("9" * 5000, "a\nb\x04", "long," * 2000)):
        try:
            values = cast_values(parameters, parse_assignments([f"{one}={text}"]))
            complete = {key: parameters[key].default for key in parameters} | values
            with patch("stethoscope.progress.warn"):
                PIPELINES[name].parameters.check(complete)
        except ParameterError as error:
            one_line(error)
