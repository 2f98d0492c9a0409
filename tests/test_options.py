"""Definitions of parameters: ranges, lists, names in errors, and sets of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest

from stethoscope.errors import ParameterError
from stethoscope.options import (
    Group,
    Options,
    Parameter,
    ParameterSet,
    Problem,
    Range,
    option,
    split_list,
)


@dataclass(frozen=True, kw_only=True)
class Window(Options):
    """Options as a room has them."""

    length: int = option(8, "Length.", least=1)
    step: int = option(4, "Step.", least=1)
    share: float = option(0.5, "Share.", least=0, below=1)
    shape: Literal["hann", "box"] = option("hann", "Shape.")
    sizes: tuple[int, ...] = option((8, 8), "Sizes.", least=1)
    names: tuple[str, ...] = option((), "Names.")
    internal: int = 3

    def problems(self) -> Iterator[Problem]:
        if self.step > self.length:
            yield Problem("step", f"is {self.step}; it must not exceed {{length}}, {self.length}")


GROUP = Group(Window, "win_", names={"shape": "form"}, defaults={"length": 16})


def test_a_group_offers_the_declared_fields_under_the_names_of_the_pipeline() -> None:
    assert [(one.name, one.type, one.default) for one in GROUP.parameters] == [
        ("win_length", int, 16),
        ("win_step", int, 4),
        ("win_share", float, 0.5),
        ("form", str, "hann"),
        ("win_sizes", str, "8,8"),
        ("win_names", str, ""),
    ]


def test_options_are_built_from_a_pipelines_values() -> None:
    given = {"win_length": 32, "form": "box", "win_sizes": "4, 2", "win_names": "a, b,", "other": 1}
    made = GROUP.of(given)
    assert made == Window(length=32, shape="box", sizes=(4, 2), names=("a", "b"))


def test_a_parameter_that_is_not_given_has_the_default_of_the_group() -> None:
    assert GROUP.of({}) == Window(length=16)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"win_length": 0}, "win_length is 0; it must be at least 1"),
        ({"win_share": 1.0}, "win_share is 1.0; it must be at least 0 and below 1"),
        ({"win_share": float("nan")}, "win_share is nan; it must be at least 0 and below 1"),
        ({"form": "cosine"}, "form is 'cosine'; choose one of hann, box"),
        ({"win_step": 17}, "win_step is 17; it must not exceed win_length, 16"),
        ({"win_sizes": "8,0"}, "win_sizes is '8,0'; it must be at least 1"),
        (
            {"win_sizes": "8,x"},
            "win_sizes is '8,x'; give whole numbers separated by commas, such as 8,8",
        ),
    ],
)
def test_an_error_names_the_parameter_that_the_user_set(
    given: dict[str, object], message: str
) -> None:
    with pytest.raises(ParameterError) as caught:
        GROUP.of(given)
    assert str(caught.value) == message


def test_a_dataclass_that_is_made_directly_names_its_fields() -> None:
    with pytest.raises(ParameterError, match=r"^step is 9; it must not exceed length, 8$"):
        Window(step=9)


def test_all_that_is_wrong_is_in_one_message() -> None:
    """Rules of several fields are checked although another field is out of its range."""
    with pytest.raises(ParameterError) as caught:
        GROUP.of({"win_share": -1.0, "win_step": 99, "win_sizes": "x"})
    assert [text.split(" is ")[0] for text in str(caught.value).split("; win")] == [
        "win_sizes",
        "_share",
        "_step",
    ]


def test_a_set_reports_the_problems_of_all_its_parts() -> None:
    rate = Parameter("rate", float, 0.1, "Rate.", Range(above=0, most=1))

    def check_total(given: dict[str, float]) -> None:
        if given["rate"] > given["win_share"]:
            raise ParameterError("rate exceeds win_share")

    parameters = ParameterSet(GROUP, rate, checks=[check_total])
    parameters.check(parameters.defaults)
    with pytest.raises(ParameterError) as caught:
        parameters.check({**parameters.defaults, "win_length": 0, "rate": 2.0})
    assert str(caught.value) == (
        "win_length is 0; it must be at least 1; rate is 2.0; it must be above 0 and at most 1; "
        "rate exceeds win_share"
    )


def test_a_name_cannot_be_defined_in_two_ways() -> None:
    one = Parameter("rate", float, 0.1, "Rate.")
    assert ParameterSet(one, one).parameters == (one,)
    with pytest.raises(ValueError, match="rate is defined twice"):
        ParameterSet(one, Parameter("rate", float, 0.2, "Rate."))


def test_a_list_is_checked_entry_by_entry() -> None:
    plots = Parameter("plots", str, "a,b", "Plots.", Range(choices=("a", "b", "c")), is_list=True)
    assert plots.of({"plots": " a, c ,"}) == ("a", "c")
    with pytest.raises(ParameterError, match=r"^plots holds d, e; choose from a, b, c$"):
        plots.of({"plots": "a,d,e"})


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "text"),
    [
        (Range(least=1), (1, 5), (0,), "it must be at least 1"),
        (Range(above=0), (0.1,), (0.0, -1.0, float("inf")), "it must be a positive number"),
        (Range(above=0, below=1), (0.5,), (0.0, 1.0), "it must be above 0 and below 1"),
        (Range(least=0, most=1), (0, 1), (-0.1, 1.1), "it must be at least 0 and at most 1"),
        (Range(choices=(0, 2)), (0, 2), (1,), "choose one of 0, 2"),
        (Range(), (-3.0,), (float("nan"),), "it must be a finite number"),
    ],
)
def test_a_range_admits_its_values_and_says_its_rule(
    bounds: Range, inside: tuple[float, ...], outside: tuple[float, ...], text: str
) -> None:
    assert all(bounds.admits(value) for value in inside)
    assert not any(bounds.admits(value) for value in outside)
    assert str(bounds) == text


def test_a_comma_list_has_no_empty_entries() -> None:
    assert split_list(" a,, b ,") == ["a", "b"]


def test_a_part_of_a_set_is_checked_with_the_defaults_of_the_rest() -> None:
    part = ParameterSet(GROUP).only("win_step", "form")
    assert part.defaults == {"win_step": 4, "form": "hann"}
    part.check({"win_step": 16, "form": "box"})
    with pytest.raises(ParameterError, match="win_step is 17; it must not exceed win_length, 16"):
        part.check({"win_step": 17, "form": "box"})
