"""Write docs/parameters.md from the definitions: ``python docs/parameters.py``."""

from collections.abc import Iterator
from pathlib import Path

from stethoscope.options import Parameter
from stethoscope.runs.pipelines import PIPELINES, Pipeline

PAGE = Path(__file__).with_suffix(".md")
INTRODUCTION = """# Parameters

This page is made from the code (`make compile`). It lists every parameter of every pipeline, with
its default, its possible values, and what it does. Set a parameter by `-p name=value`:

```console
$ stethoscope run -p detector=autoencoder -p fit_epochs=20
```

The form of a run in the Kubeflow user interface has the same names. A value that cannot work is
refused before anything is downloaded; the message names the parameter.
"""
TYPES = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def reference() -> str:
    """Return the page."""
    sections = [
        section(pipeline) for pipeline in PIPELINES.values() if pipeline.parameters.parameters
    ]
    return "\n".join([INTRODUCTION, *sections])


def section(pipeline: Pipeline) -> str:
    """Return the table of a pipeline's parameters."""
    lines = [f"## `{pipeline.name}`", "", "| parameter | default | values | description |"]
    lines += ["|---|---|---|---|", *rows(pipeline.parameters.parameters), ""]
    return "\n".join(lines)


def rows(parameters: tuple[Parameter, ...]) -> Iterator[str]:
    """Yield a line of the table for each parameter."""
    for one in parameters:
        default = (
            "must be given" if one.default is None else f"`{one.default}`" * (one.default != "")
        )
        cells = (f"`{one.name}`", default, values(one), one.description.replace("|", "\\|"))
        yield f"| {' | '.join(cells)} |"


def values(parameter: Parameter) -> str:
    """Return what is possible, in words."""
    if parameter.range.choices:
        choices = ", ".join(f"`{choice}`" for choice in parameter.range.choices)
        return f"list of {choices}" if parameter.is_list else choices
    if parameter.is_list:
        return "list"
    bounds = parameter.range.bounds()
    return f"{TYPES[parameter.type]}, {bounds}" if bounds else TYPES[parameter.type]


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
