import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.checks import (
    Check,
    both,
    check,
    entries,
    fields,
    flag,
    items,
    nullable,
    number,
    text,
    whole,
)
from stethoscope.errors import ModelError

RULE = fields(
    {"window": whole(least=1), "labels": items(text(), least=1, distinct=True)},
    {"levels": entries(nullable(number(above=0))), "kind": text("a", "b"), "on": flag},
)
GOOD: dict[str, Any] = {"window": 3, "labels": ["x"], "levels": {"a": 1, "b": None}, "kind": "a"}


def problems(rule: Check, value: Any) -> list[str]:
    return list(rule("it", value))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": 0}, "window is 0; it must be a whole number, at least 1"),
        ({"window": True}, "window is True"),
        ({"window": 2.0}, "window is 2.0"),
        ({"window": 10**400}, "window is a number of many digits"),
        ({"labels": []}, "labels is an empty list; it must be a list of at least 1 items"),
        ({"labels": ["x", 3]}, r"labels\[1\] is 3; it must be a text"),
        ({"labels": ["x", "x"]}, "labels is a list of 2; it must not repeat"),
        ({"levels": {"a": math.inf}}, "levels.a is inf; it must be a positive number"),
        ({"levels": {"a": 10**400}}, "levels.a is a number of many digits"),
        ({"levels": {"\ud800": 1}}, "a name in levels is"),
        ({"levels": 4}, "levels is 4; it must be an object"),
        ({"kind": "c"}, "kind is 'c'; it must be one of a, b"),
        ({"on": 1}, "on is 1; it must be true or false"),
    ],
)
def test_wrong_value_is_named_with_what_it_must_be(changes: dict[str, Any], message: str) -> None:
    check(Path("model.json"), GOOD, RULE)
    with pytest.raises(ModelError, match=rf"^model\.json: {message}.*; export the model again$"):
        check(Path("model.json"), {**GOOD, **changes}, RULE)


def test_missing_entries_are_named_and_unknown_ones_allowed() -> None:
    assert problems(RULE, {"window": 1, "other": 2}) == ["it: labels is missing"]
    assert problems(fields({"": flag}), {}) == ["it: the name '' is missing"]


def test_second_of_two_checks_is_applied_where_the_first_finds_nothing() -> None:
    rule = both(entries(number()), fields({"a": number(below=1)}))
    assert problems(rule, {"a": 0}) == []
    assert len(problems(rule, {"a": "x"})) == 1
    assert problems(rule, {"a": 1}) == ["it.a is 1; it must be below 1"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_any_value_is_accepted_or_refused_with_short_messages(value: Any) -> None:
    for one in problems(RULE, value):
        assert one.startswith("it")
        assert len(one) < 2000
