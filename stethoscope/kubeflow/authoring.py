"""Components and pipelines of KFP whose parameters are made from their definitions."""

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from kfp import dsl

from stethoscope.options import Group, Parameter, ParameterSet

_GIVEN = "parameters"


def component(
    *parts: Group[Any] | Parameter | ParameterSet, image: str
) -> Callable[[Callable[..., Any]], Any]:
    """Make a component of a function, with the parameters that it takes.

    KFP reads a component's inputs from its signature, and copies its source into the compiled
    pipeline. The definitions therefore take the place of ``**parameters`` in both: the signature
    gets a name and type for each, the body a mapping of their values, and the description of the
    component their descriptions. They have no defaults here: the pipeline gives every value.

    Parameters
    ----------
    *parts : Group, Parameter or ParameterSet
        Definitions of the parameters; the function takes them as ``**parameters``.
    image : str
        Image in which the component runs.

    Returns
    -------
    callable
        A decorator.
    """
    parameters = ParameterSet(*parts).parameters

    def decorate(function: Callable[..., Any]) -> Any:
        made = _with_parameters(function, parameters) if parameters else function
        described = {one.name: one.description for one in parameters}
        made.__doc__ = _described(inspect.getdoc(function) or "", described)
        return dsl.component(made, base_image=image, install_kfp_package=False)

    return decorate


def _with_parameters(
    function: Callable[..., Any], parameters: tuple[Parameter, ...]
) -> Callable[..., Any]:
    """Return `function` with an argument for each parameter in place of ``**parameters``."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise TypeError(f"{function!r} is not a plain function")
    definition.decorator_list = []
    arguments = definition.args
    arguments.kwarg = None
    arguments.kwonlyargs += [
        ast.arg(parameter.name, ast.Name(parameter.type.__name__, ast.Load()))
        for parameter in parameters
    ]
    arguments.kw_defaults += [None for _ in parameters]
    names = ", ".join(f"{parameter.name!r}: {parameter.name}" for parameter in parameters)
    definition.body[1:1] = ast.parse(f"{_GIVEN} = {{{names}}}").body
    source = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    file = f"<component {function.__name__}>"
    # KFP reads the source of a function by its file and line.
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace = dict(function.__globals__)
    exec(compile(source, file, "exec"), namespace)  # noqa: S102  # our own source
    made: Callable[..., Any] = namespace[function.__name__]
    return made


def _described(docstring: str, descriptions: Mapping[str, str]) -> str:
    """Return a docstring of Google's form, which KFP reads, with descriptions of parameters."""
    if not descriptions:
        return docstring
    lines = "".join(f"    {name}: {text}\n" for name, text in descriptions.items())
    if "Args:\n" in docstring:
        return docstring.replace("Args:\n", f"Args:\n{lines}", 1)
    summary, returns, outputs = docstring.partition("Returns:\n")
    return f"{summary.rstrip()}\n\nArgs:\n{lines}\n{returns}{outputs}"


def takes(
    parameters: ParameterSet, others: ParameterSet | None = None
) -> Callable[[Callable[["Given"], Any]], Callable[..., Any]]:
    """Give a pipeline its parameters, with their types, defaults and descriptions.

    Parameters
    ----------
    parameters : ParameterSet
        The pipeline's function gets their values as one `Given`.
    others : ParameterSet, optional
        Parameters of the steps that the pipeline does not offer; they are given their defaults.

    Returns
    -------
    callable
        A decorator, which belongs below ``@dsl.pipeline``.
    """
    signature = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if one.default is None else one.default,
            annotation=one.type,
        )
        for one in sorted(parameters.parameters, key=lambda one: one.default is not None)
    ]

    def decorate(pipeline: Callable[[Given], Any]) -> Callable[..., Any]:
        outputs = inspect.signature(pipeline).return_annotation

        def with_parameters(*values: Any) -> Any:
            names = [one.name for one in signature]
            offered = dict(zip(names, values, strict=True))
            return pipeline(Given({**(others.defaults if others else {}), **offered}))

        with_parameters.__name__ = pipeline.__name__
        with_parameters.__doc__ = _described(
            inspect.getdoc(pipeline) or "",
            {one.name: one.description for one in parameters.parameters},
        )
        with_parameters.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            signature, return_annotation=outputs
        )
        return with_parameters

    return decorate


class Given(dict[str, Any]):
    """The parameters of a pipeline by name, as its steps are given them."""

    def of(self, step: Any) -> dict[str, Any]:
        """Return those that a component takes."""
        return {name: value for name, value in self.items() if name in step.component_spec.inputs}
