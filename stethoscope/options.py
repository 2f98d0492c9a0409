"""Parameters, each defined once: name, type, default, range and description.

A frozen dataclass that derives from :class:`Options` holds the values that belong together, such as
the settings of a training. Each of its fields is declared by :func:`option`, which carries the
range and the description. A :class:`Group` says under which names a pipeline offers these fields
(``fit_epochs`` for the field ``epochs``), and builds the dataclass from a pipeline's values. The
signatures of the pipelines and components, the checks, the compiled YAML and the reference of all
parameters are made from these definitions.
"""

import copy
import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

from stethoscope.errors import ParameterError, StethoscopeError, shown

_DEFINITION = "definition"
_LONGEST_ENTRIES = 200
_FIELD = re.compile(r"\{(\w+)\}")


def split_list(text: str) -> list[str]:
    """Return the entries of a comma-separated list, without surrounding spaces or empty entries."""
    return [entry.strip() for entry in text.split(",") if entry.strip()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The values that a parameter may have.

    Attributes
    ----------
    least, most : float, optional
        Smallest and largest value.
    above, below : float, optional
        Bounds that are themselves excluded.
    choices : tuple
        The only values; empty where any value within the bounds is possible.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] = ()

    def admits(self, value: Any) -> bool:
        """Return whether a value lies within the range."""
        if self.choices:
            return value in self.choices
        if isinstance(value, (str, bool)):
            return True
        return (
            math.isfinite(value)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def choose_from(self) -> str:
        """Return the rule for the entries of a list."""
        return f"choose from {', '.join(map(str, self.choices))}"

    def __str__(self) -> str:
        """Return the rule in words, such as ``it must be at least 1``."""
        if self.choices:
            return f"choose one of {', '.join(map(str, self.choices))}"
        return f"it must be {self.bounds() or 'a finite number'}"

    def bounds(self) -> str:
        """Return the bounds in words, such as ``at least 1``; empty if there are none."""
        lower = self.least if self.above is None else self.above
        upper = self.most if self.below is None else self.below
        if self.above == 0 and upper is None:
            return "a positive number"
        parts = []
        if lower is not None:
            parts.append(f"{'at least' if self.above is None else 'above'} {lower}")
        if upper is not None:
            parts.append(f"{'at most' if self.below is None else 'below'} {upper}")
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field.

    Attributes
    ----------
    field : str
    text : str
        What follows the field's name: ``is 0; it must be at least 1``. Other fields are written in
        braces, ``it must not exceed {n_fft}, 1024``, and shown by the names that the user knows.
    """

    field: str
    text: str


class OptionError(ParameterError):
    """Fields of an options dataclass have values that cannot work.

    Parameters
    ----------
    problems : sequence of Problem
    names : mapping of str to str, optional
        By which name the user knows a field; a field that is missing here keeps its own name.
    """

    def __init__(self, problems: Sequence[Problem], names: Mapping[str, str] | None = None) -> None:
        self.problems = tuple(problems)
        self._names = dict(names or {})
        super().__init__("; ".join(self._show(problem) for problem in self.problems))

    def renamed(self, names: Mapping[str, str]) -> "OptionError":
        """Return the same error in the names that the user knows."""
        return OptionError(self.problems, names)

    def _show(self, problem: Problem) -> str:
        def shown(match: re.Match[str]) -> str:
            return self._names.get(match[1], match[1])

        return f"{self._names.get(problem.field, problem.field)} {_FIELD.sub(shown, problem.text)}"


@dataclass(frozen=True, slots=True)
class _Definition:
    description: str
    range: Range
    parse: Callable[[str], tuple[Any, ...]] | None
    used_by: str


def option(
    default: Any,
    description: str,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Iterable[Any] = (),
    parse: Callable[[str], tuple[Any, ...]] | None = None,
    used_by: str = "",
) -> Any:
    """Declare a field of an options dataclass that a user can set.

    Parameters
    ----------
    default : str, int, float, bool or tuple
        A tuple of numbers or texts is written by the user as a list separated by commas.
    description : str
        One sentence, shown wherever the parameter is offered.
    least, most, above, below : float, optional
        As of :class:`Range`. Every entry of a tuple must lie within.
    choices : iterable, optional
        The only values; those of a field of type Literal are taken from its type.
    parse : callable, optional
        Makes the tuple of a text in which commas do more than separate entries.
    used_by : str
        The only choice of another option with which this one acts; empty where it always may.

    Returns
    -------
    dataclasses.Field
    """
    bounds = Range(least=least, most=most, above=above, below=below, choices=tuple(choices))
    return dataclasses.field(
        default=default,
        metadata={_DEFINITION: _Definition(description, bounds, parse, used_by)},
    )


class Options:
    """Base of the dataclasses whose fields are options; impossible values are refused.

    Raises
    ------
    OptionError
        When an instance is made whose fields lie outside their ranges, with all that is wrong.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __post_init__(self) -> None:
        problems = [
            problem for name in declared(type(self)) for problem in _out_of_range(self, name)
        ]
        # Rules that concern several fields assume that each is within its own range.
        within = copy.copy(self)
        for problem in problems:
            default = self.__dataclass_fields__[problem.field].default
            object.__setattr__(within, problem.field, default)
        wrong = {problem.field for problem in problems}
        problems += [problem for problem in within.problems() if problem.field not in wrong]
        if problems:
            raise OptionError(problems)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong beyond the range of a single field."""
        yield from ()


_declared: dict[type[Options], dict[str, Range]] = {}


def declared(options: type[Options]) -> dict[str, Range]:
    """Return the fields that are declared by :func:`option`, with their ranges."""
    if options in _declared:
        return _declared[options]
    hints = get_type_hints(options)
    found: dict[str, Range] = {}
    for field in dataclasses.fields(options):
        if definition := field.metadata.get(_DEFINITION):
            bounds = definition.range
            if get_origin(hints[field.name]) is Literal:
                bounds = Range(choices=get_args(hints[field.name]))
            found[field.name] = bounds
    _declared[options] = found
    return found


def _out_of_range(options: Options, name: str) -> Iterator[Problem]:
    value, bounds = getattr(options, name), declared(type(options))[name]
    entries = value if isinstance(value, tuple) else (value,)
    wrong = [str(entry) for entry in entries if not bounds.admits(entry)]
    if wrong and isinstance(value, tuple) and bounds.choices:
        yield Problem(name, f"holds {_several(wrong)}; {bounds.choose_from()}")
    elif wrong:
        yield Problem(name, f"is {shown(_plain_value(value))}; {bounds}")


def _several(entries: Sequence[str]) -> str:
    """Return entries of a list for a message, shortened."""
    text = ", ".join(one if one.isprintable() else repr(one) for one in entries)
    return text if len(text) <= _LONGEST_ENTRIES else f"{text[:_LONGEST_ENTRIES]}…"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a pipeline.

    Attributes
    ----------
    name : str
    type : type
        str, int, float or bool.
    default : Any
        None where the user must give a value.
    description : str
        One sentence, shown wherever the parameter is offered.
    range : Range
        Of the value, or of every entry of a list.
    is_list : bool
        Whether the text is a list separated by commas.
    rule : callable, optional
        Returns what is wrong with a value that lies within the range, empty if nothing is.
    used_by : str
        The only choice of another parameter with which this one acts; empty where it always may.
    """

    name: str
    type: type
    default: Any
    description: str
    range: Range = dataclasses.field(default_factory=Range)
    is_list: bool = False
    rule: Callable[[Any], str] | None = None
    used_by: str = ""

    def of(self, given: Mapping[str, Any]) -> Any:
        """Return the parameter's value, for a list a tuple of its entries.

        Parameters
        ----------
        given : mapping of str to Any
            Values by the pipeline's names.

        Raises
        ------
        ParameterError
            As :meth:`check`.
        """
        value = given[self.name]
        self.check(value)
        return tuple(split_list(value)) if self.is_list else value

    def check(self, value: Any, *, shown_as: str = "") -> None:
        """Refuse an impossible value.

        Parameters
        ----------
        value : Any
        shown_as : str
            Name by which the user knows the parameter, such as an option of a command; its own if
            empty.

        Raises
        ------
        ParameterError
            If the value, or an entry of the list, lies outside the range, or the rule refuses it.
        """
        name = shown_as or self.name
        entries = split_list(value) if self.is_list else [value]
        wrong = [entry for entry in entries if not self.range.admits(entry)]
        if wrong and self.is_list:
            raise ParameterError(f"{name} holds {_several(wrong)}; {self.range.choose_from()}")
        problem = str(self.range) if wrong else self.rule(value) if self.rule else ""
        if problem:
            raise ParameterError(f"{name} is {shown(value)}; {problem}")


OptionsT = TypeVar("OptionsT", bound=Options)


SEED = Parameter("seed", int, 0, "Seed of everything random.", Range(least=0))


def seed_option() -> Any:
    """Declare the field ``seed``, which stands for `SEED` wherever something is random."""
    return option(SEED.default, SEED.description, least=SEED.range.least)


class Group(Generic[OptionsT]):
    """The names under which a pipeline offers the fields of an options dataclass.

    Parameters
    ----------
    options : type
        Dataclass that derives from `Options`.
    prefix : str
        Before the name of each field.
    fields : sequence of str, optional
        The fields that are offered; all that are declared by :func:`option` if left out.
    names : mapping of str to str, optional
        Names of fields for which the prefix does not hold.
    defaults : mapping of str to Any, optional
        Defaults of this pipeline where they are not the dataclass's.
    fixed : mapping of str to Any, optional
        Values of fields that this pipeline does not offer.
    without : sequence of str, optional
        Further fields that it does not offer; they keep the dataclass's defaults.
    subject : str, optional
        What the parameters are about, shown before each description where a prefix alone does not
        say it.
    """

    def __init__(
        self,
        options: type[OptionsT],
        prefix: str = "",
        *,
        fields: Sequence[str] = (),
        names: Mapping[str, str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        fixed: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
        subject: str = "",
    ) -> None:
        self.options = options
        self._values = {**(defaults or {}), **(fixed or {})}
        self._hints = get_type_hints(options)
        kind: type[Options] = options
        ranges = declared(kind)
        missing = {*without, *(fixed or {})}
        offered = fields or [name for name in ranges if name not in missing]
        self._names = {field: (names or {}).get(field, f"{prefix}{field}") for field in offered}
        self._fields = {
            field.name: field for field in dataclasses.fields(options) if field.name in offered
        }
        self._by_field = {
            name: Parameter(
                self._names[name],
                _plain_type(self._hints[name]),
                _plain_value(self._values.get(name, field.default)),
                _described(field, subject if self._names[name].startswith(prefix) else ""),
                ranges[name],
                is_list=get_origin(self._hints[name]) is tuple,
                used_by=field.metadata[_DEFINITION].used_by,
            )
            for name, field in self._fields.items()
        }

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in the order of the fields."""
        return tuple(self._by_field.values())

    def __getitem__(self, field: str) -> Parameter:
        """Return the parameter of a field."""
        return self._by_field[field]

    def of(self, given: Mapping[str, Any]) -> OptionsT:
        """Build the options from a pipeline's values.

        Parameters
        ----------
        given : mapping of str to Any
            Values by the pipeline's names. A field whose parameter is missing keeps its default:
            a step that needs a part of the options is given that part. Other names are ignored.

        Raises
        ------
        OptionError
            If a value cannot work. It names the parameters as the pipeline does.
        """
        problems, values = [], dict(self._values)
        for field, name in self._names.items():
            if name in given:
                try:
                    values[field] = self._parsed(field, given[name])
                except ValueError:
                    text = f"is {shown(given[name])}; give whole numbers separated by commas"
                    problems.append(Problem(field, f"{text}, such as {self[field].default}"))
        try:
            made = self.options(**values)
        except OptionError as error:
            problems += error.problems
        if problems:
            raise OptionError(problems, self._names)
        return made

    def changed(self, options: OptionsT) -> list[str]:
        """Return the names of the parameters whose values are not their defaults."""
        return [
            parameter.name
            for field, parameter in self._by_field.items()
            if _plain_value(getattr(options, field)) != parameter.default
        ]

    def _parsed(self, field: str, value: Any) -> Any:
        """Return a value as the field takes it: the text of a list becomes a tuple."""
        hint = self._hints[field]
        if get_origin(hint) is not tuple or not isinstance(value, str):
            return value
        if parse := self._fields[field].metadata[_DEFINITION].parse:
            return parse(value)
        entry = get_args(hint)[0]
        return tuple(split_list(value)) if entry is str else tuple(map(entry, value.split(",")))


class ParameterSet:
    """The parameters of a pipeline, in order.

    Parameters
    ----------
    *parts : Group or Parameter
        A parameter that several of them have must be the same in each.
    checks : sequence of callable
        Further checks, each called with all values; what is wrong is raised as `StethoscopeError`.
    """

    def __init__(
        self,
        *parts: "Group[Any] | Parameter | ParameterSet",
        checks: Sequence[Callable[[Mapping[str, Any]], object]] = (),
    ) -> None:
        self._checks: list[Callable[[Mapping[str, Any]], object]] = []
        self.by_name: dict[str, Parameter] = {}
        for part in parts:
            for parameter in (part,) if isinstance(part, Parameter) else part.parameters:
                if self.by_name.setdefault(parameter.name, parameter) != parameter:
                    raise ValueError(f"{parameter.name} is defined twice, differently")
            self._checks.append(part.check if isinstance(part, ParameterSet) else part.of)
        self._checks += checks

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters, each once."""
        return tuple(self.by_name.values())

    @property
    def defaults(self) -> dict[str, Any]:
        """The default of every parameter."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def only(self, *names: str) -> "ParameterSet":
        """Return a set that offers some of the parameters; the others keep their defaults."""
        chosen = ParameterSet(checks=[lambda given: self.check({**self.defaults, **given})])
        chosen.by_name = {name: self.by_name[name] for name in names}
        return chosen

    def check(self, given: Mapping[str, Any]) -> None:
        """Refuse impossible values.

        Parameters
        ----------
        given : mapping of str to Any
            A value for each parameter.

        Raises
        ------
        ParameterError
            With all that is wrong in one message.
        """
        found: dict[str, None] = {}
        for check in self._checks:
            try:
                check(given)
            except StethoscopeError as error:
                found.setdefault(str(error))
        if found:
            raise ParameterError("; ".join(found))


def _plain_type(hint: Any) -> type:
    """Return the type of a pipeline's parameter: a tuple is written as a text."""
    if get_origin(hint) is Literal:
        return type(get_args(hint)[0])
    plain: type = str if get_origin(hint) is tuple else hint
    return plain


def _described(field: dataclasses.Field[Any], subject: str) -> str:
    description: str = field.metadata[_DEFINITION].description
    return f"{description[:-1]} ({subject})." if subject else description


def _plain_value(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, tuple) else value
