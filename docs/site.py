"""What ``mkdocs build`` adds to the pages of this folder.

Pages that lie elsewhere in the repository become part of the site, and links to files that do not
become plain text. The reference of the commands and of the Python interface is made from the code.
"""

import argparse
import os
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def elsewhere() -> dict[str, str]:
    """Return the place in the site of each page that lies outside `docs`, by its path."""
    names = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "data/README.md")
    readmes = (ROOT / "stethoscope").rglob("README.md")
    return {
        **{name: f"project/{name.replace('/README', '')}" for name in names},
        **{path.relative_to(ROOT).as_posix(): f"project/{path.parent.name}.md" for path in readmes},
    }


def commands_page() -> str:
    """Return the reference of the command line, made from its parsers."""
    from stethoscope import cli

    os.environ["COLUMNS"] = "100"
    lines = ["# Commands", "", "Made from the code: what `stethoscope COMMAND --help` prints.", ""]
    for name, parser in _subcommands(cli._parser()):
        lines += [f"## `{name}`", "", "```text", parser.format_help().strip(), "```", ""]
    return "\n".join(lines)


def _subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def python_page() -> str:
    """Return the page whose content mkdocstrings takes from the docstrings."""
    import stethoscope

    lines = ["# Python", "", "Made from the docstrings.", ""]
    names = [f"stethoscope.{name}" for name in getattr(stethoscope, "__all__", ())]
    names += [
        "stethoscope.bundle.bundle.Bundle",
        "stethoscope.bundle.inference.Inference",
        "stethoscope.bundle.inference.Verdict",
        "stethoscope.classification.model.Classifier",
        "stethoscope.runs.run.run",
    ]
    for name in names:
        lines += [f"::: {name}", ""]
    return "\n".join(lines)


def on_files(files: Files, config: Any) -> Files:
    """Add pages that are made, and pages that lie elsewhere."""
    made = {"reference/commands.md": commands_page(), "reference/python.md": python_page()}
    for place, text in made.items():
        files.append(File.generated(config, place, content=text))
    for path, place in elsewhere().items():
        files.append(File.generated(config, place, content=(ROOT / path).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links lead to where pages are in the site; those to other files become plain text."""
    places = elsewhere()
    paths = {place: path for path, place in places.items()}
    here = page.file.src_uri
    if here.startswith("reference/"):
        return markdown
    own = paths.get(here, f"docs/{here}")

    def replaced(found: re.Match[str]) -> str:
        picture, text, link = found.groups()
        path, hash_sign, anchor = link.partition("#")
        if re.match(r"\w+:", link) or not path:
            return found[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(own), path))
        place = places.get(target, target.removeprefix("docs/"))
        if target not in places and not target.startswith("docs/"):
            return f"{text} (`{target}`)" if not picture else text
        return f"{picture}[{text}]({_relative(place, here)}{hash_sign}{anchor})"

    return _LINK.sub(replaced, markdown)


def _relative(place: str, page: str) -> str:
    return posixpath.relpath(place, posixpath.dirname(page) or ".")
