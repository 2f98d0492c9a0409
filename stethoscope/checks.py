"""Declared checks of the JSON values in files: what each value must be, and what is wrong with it.

A :data:`Check` yields what is wrong with a value. Those of single values are made by
:func:`number`, :func:`whole`, :func:`text` and so on, and combined by :func:`items`,
:func:`entries` and :func:`fields`. Whoever reads a file declares its checks beside the code that
uses the values, and applies them by :func:`check`::

    _EVENTS = fields({"window": whole(least=1), "labels": items(text(), least=1)})
    check(folder / "model.json", model, _EVENTS)
"""

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from stethoscope.errors import ModelError, shown
from stethoscope.options import Range

Check = Callable[[str, Any], Iterator[str]]
"""Takes the name of a value and the value; yields what is wrong, with the name."""

EXPORT_AGAIN = "export the model again"

_MOST_SHOWN = 3
_LARGEST_WHOLE = 2**53
"""Beyond it, JSON readers do not agree on a number."""


def check(path: Path, value: Any, rule: Check, *, remedy: str = EXPORT_AGAIN) -> None:
    """Check a value that was read from a file.

    Raises
    ------
    ModelError
        If something is wrong; it names the file and the first few wrong values.
    """
    if wrong := list(islice(rule("", value), _MOST_SHOWN)):
        raise ModelError(f"{path}: {'; '.join(one.strip() for one in wrong)}; {remedy}")


def number(
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Check:
    """Return the check of a finite number within bounds, as those of :class:`Range`."""
    bounds = Range(least=least, most=most, above=above, below=below)

    def numbers(name: str, value: Any) -> Iterator[str]:
        if not _is_number(value) or not bounds.admits(value):
            yield f"{name} is {shown(value)}; {bounds}"

    return numbers


def whole(*, least: int | None = None, most: int | None = None) -> Check:
    """Return the check of a whole number within bounds."""
    bounds = Range(least=least, most=most)
    rule = bounds.bounds()

    def whole_numbers(name: str, value: Any) -> Iterator[str]:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or abs(value) > _LARGEST_WHOLE or not bounds.admits(value):
            yield f"{name} is {shown(value)}; it must be a whole number{rule and f', {rule}'}"

    return whole_numbers


def text(*choices: str, longest: int = 10_000) -> Check:
    """Return the check of a text; with choices, of one of them."""

    def texts(name: str, value: Any) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{name} is {shown(value)}; it must be a text"
        elif choices and value not in choices:
            yield f"{name} is {shown(value)}; it must be one of {', '.join(choices)}"
        elif len(value) > longest or not _is_unicode(value):
            yield f"{name} is {shown(value)}; it must be at most {longest} valid characters"

    return texts


def file_name(name: str, value: Any) -> Iterator[str]:
    """Check that a value is a text that can be the name of a file, and nothing but a name."""
    yield from text(longest=200)(name, value)
    if isinstance(value, str) and (not value.strip(".") or set(value) & set("/\\\0")):
        yield f"{name} is {shown(value)}; it must be a name without / and \\"


def file_names(name: str, value: Any) -> Iterator[str]:
    """Check that every name in an object can be that of a file."""
    for key in value:
        yield from file_name(f"a name in {name}", key)


def flag(name: str, value: Any) -> Iterator[str]:
    """Check that a value is true or false."""
    if not isinstance(value, bool):
        yield f"{name} is {shown(value)}; it must be true or false"


def anything(name: str, value: Any) -> Iterator[str]:  # noqa: ARG001
    """Accept every value."""
    yield from ()


def nullable(rule: Check) -> Check:
    """Return the check that accepts null as well."""

    def nulls(name: str, value: Any) -> Iterator[str]:
        if value is not None:
            yield from rule(name, value)

    return nulls


def both(first: Check, second: Check) -> Check:
    """Return the check that a value passes two."""

    def pairs(name: str, value: Any) -> Iterator[str]:
        wrong = list(first(name, value))
        yield from wrong or second(name, value)

    return pairs


def items(rule: Check, *, least: int = 0, most: int | None = None, distinct: bool = False) -> Check:
    """Return the check of a list, each of whose items is checked by `rule`."""
    count = Range(least=least, most=most)

    def lists(name: str, value: Any) -> Iterator[str]:
        if not isinstance(value, (list, tuple)) or not count.admits(len(value)):
            yield f"{name} is {shown(value)}; it must be a list of {count.bounds()} items"
            return
        if distinct and len({repr(one) for one in value}) < len(value):
            yield f"{name} is {shown(value)}; it must not repeat an item"
        for number, one in enumerate(value):
            yield from rule(f"{name}[{number}]", one)

    return lists


def entries(rule: Check, *, least: int = 0) -> Check:
    """Return the check of an object with any names, each of whose values is checked by `rule`."""

    def objects(name: str, value: Any) -> Iterator[str]:
        if not isinstance(value, dict) or len(value) < least:
            most = f" of at least {least} entries" if least else ""
            yield f"{name} is {shown(value)}; it must be an object{most}"
            return
        for key, one in value.items():
            yield from text(longest=1000)(f"a name in {name}", key)
            yield from rule(f"{name}.{key}".lstrip("."), one)

    return objects


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Return the check of an object that has the `required` names, and may have others.

    Parameters
    ----------
    required, optional : mapping of str to Check
        Values by name. Names in neither of them are not checked.
    """
    optional = optional or {}

    def records(name: str, value: Any) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{name} is {shown(value)}; it must be an object"
            return
        if missing := [key for key in required if key not in value]:
            named = ", ".join(key or "the name ''" for key in missing)
            yield f"{name and f'{name}: '}{named} is missing"
        for key, rule in {**required, **optional}.items():
            if key in value:
                yield from rule(f"{name}.{key}".lstrip("."), value[key])

    return records


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floating-point numbers
        return False


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold
        return False
    return True
