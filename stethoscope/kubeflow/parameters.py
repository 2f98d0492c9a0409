"""Parameters of a compiled pipeline: their names and types, and values cast to these."""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stethoscope.errors import ParameterError, refuse, shown
from stethoscope.kubeflow.compiled import read_spec

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True)
class CompiledParameter:
    """A parameter of a compiled pipeline.

    Attributes
    ----------
    name : str
    type : str
        KFP's name: STRING, NUMBER_INTEGER, NUMBER_DOUBLE, BOOLEAN, LIST or STRUCT.
    default : Any
        None where a value must be given.
    description : str
    """

    name: str
    type: str
    default: Any
    description: str

    def cast(self, value: Any) -> Any:
        """Return a value, or the text of one, as the parameter's type.

        Raises
        ------
        ParameterError
            If it is not of that type.
        """
        try:
            return _CASTS[self.type](value)
        except (ValueError, TypeError) as error:
            raise ParameterError(
                f"{self.name} is {shown(value)}; "
                f"it must be {_NAMES[self.type]}, such as {self.default!r}"
            ) from error


def read_parameters(compiled: str | Path) -> dict[str, CompiledParameter]:
    """Read the parameters of a compiled pipeline (YAML)."""
    return parameters_of(read_spec(Path(compiled)))


def parameters_of(spec: Mapping[str, Any]) -> dict[str, CompiledParameter]:
    """Return the parameters of a pipeline specification."""
    inputs = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    return {
        name: CompiledParameter(
            name, value["parameterType"], _default(value), value.get("description", "")
        )
        for name, value in inputs.items()
    }


def help_text(spec: Mapping[str, Any]) -> str:
    """Return a line for each parameter of a pipeline: name, default, description.

    The run form of the user interface shows names and types only.
    """
    lines = [
        f"{one.name} ({'required' if one.default is None else json.dumps(one.default)}): "
        f"{one.description}"
        for one in parameters_of(spec).values()
    ]
    return "\n".join(["Parameters:", *lines]) if lines else ""


def _default(described: Mapping[str, Any]) -> Any:
    """Return a parameter's default; a compiled pipeline writes whole numbers as fractions."""
    value = described.get("defaultValue")
    return (
        int(value)
        if described["parameterType"] == "NUMBER_INTEGER" and value is not None
        else value
    )


def parse_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """Split ``name=value`` texts.

    Raises
    ------
    ParameterError
        If a text holds no ``=`` or a name comes twice.
    """
    values: dict[str, str] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ParameterError(f"parameter {shown(text)} is not of the form name=value")
        if name.strip() in values:
            raise ParameterError(f"{name.strip()} is given twice; give it once")
        values[name.strip()] = value
    return values


def cast_values(
    parameters: Mapping[str, CompiledParameter], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return values cast to the types of the parameters.

    Parameters
    ----------
    parameters : mapping of str to CompiledParameter
        The parameters of the pipeline by name.
    values : mapping
        Values, or texts of values, by name.

    Returns
    -------
    dict

    Raises
    ------
    ParameterError
        If a name is unknown, a value is of another type, or a parameter without a default has no
        value. The message lists everything that is wrong.
    """
    cast: dict[str, Any] = {}
    problems = []
    for name, value in values.items():
        if name not in parameters:
            problems.append(_unknown(name, parameters))
            continue
        try:
            cast[name] = parameters[name].cast(value)
        except ParameterError as error:
            problems.append(str(error))
    problems += [
        f"{one.name} needs a value"
        for one in parameters.values()
        if one.default is None and one.name not in values
    ]
    refuse(problems)
    return cast


def _unknown(name: str, parameters: Mapping[str, CompiledParameter]) -> str:
    near = difflib.get_close_matches(name, parameters, n=1)
    advice = f", did you mean {near[0]}?" if near else f"; there are {', '.join(parameters)}"
    return f"{name} is no parameter{advice}"


def _integer(value: Any) -> int:
    number = float(value) if isinstance(value, str) and not value.lstrip("+-").isdigit() else value
    if isinstance(number, bool) or (isinstance(number, float) and not number.is_integer()):
        raise ValueError(value)
    return int(number)


def _double(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(value)
    return number


def _boolean(value: Any) -> bool:
    text = str(value).lower()
    if text not in _TRUE + _FALSE:
        raise ValueError(value)
    return text in _TRUE


def _string(value: Any) -> str:
    if isinstance(value, (list, dict)):
        raise TypeError(value)
    return str(value)


def _json(kind: type) -> Any:
    def cast(value: Any) -> Any:
        parsed = json.loads(value) if isinstance(value, str) else value
        if not isinstance(parsed, kind):
            raise TypeError(value)
        return parsed

    return cast


_CASTS = {
    "STRING": _string,
    "NUMBER_INTEGER": _integer,
    "NUMBER_DOUBLE": _double,
    "BOOLEAN": _boolean,
    "LIST": _json(list),
    "STRUCT": _json(dict),
}
_NAMES = {
    "STRING": "a text",
    "NUMBER_INTEGER": "a whole number",
    "NUMBER_DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "LIST": "a JSON list",
    "STRUCT": "a JSON object",
}
