"""From the outputs of a pipeline to a folder of results."""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stethoscope.counts import count, format_counts
from stethoscope.files import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What the folder of results of a pipeline holds.

    A source is the name of an output of the pipeline, ``page``, or a path inside an output that is
    a folder, ``results/scores.csv``. In `files` the path may be a pattern, ``results/*.csv``.

    Attributes
    ----------
    files : mapping of str to str
        For each source the name of its copy; ``.`` keeps the names that the files have. A folder
        among the files is merged with one that is already there.
    folders : mapping of str to str
        For each source that is a folder the name of its copy, which replaces an earlier one.
    summary : mapping of str to str
        For each key of ``summary.json`` the source of its value: a JSON file,
        ``results/evaluation.json``, or one key of it, ``results/leaderboard.json#failed``. The key
        ``failed`` lists what failed without stopping the run.
    optional : collection of str
        Outputs that a run may lack, such as one of an earlier version; nothing is copied of them.
    closing_lines : callable
        Takes the content of ``summary.json`` and the folder of results, and returns the lines that
        are printed when the run has ended.
    """

    files: Mapping[str, str]
    folders: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, str] = field(default_factory=dict)
    optional: Collection[str] = ()
    closing_lines: Callable[[Mapping[str, Any], Path], Sequence[str]]

    def names(self) -> list[str]:
        """Return patterns of the names that runs leave; a copy of all files has none."""
        inside = (Path(source).name if name == "." else name for source, name in self.files.items())
        return [name for name in (*inside, *self.folders.values()) if name != "*"]

    def write(self, outputs: Mapping[str, Path], folder: Path) -> dict[str, Any]:
        """Copy the outputs of a run into its folder of results.

        Parameters
        ----------
        outputs : mapping of str to Path
            Where each output lies.
        folder : Path
            The folder of results, which exists.

        Returns
        -------
        dict
            The part of ``summary.json`` that `summary` defines.
        """

        def lacks(source: str) -> bool:
            output = source.partition("/")[0]
            return output in self.optional and output not in outputs

        for source, name in self.files.items():
            if lacks(source):
                continue
            for path in _found(outputs, source):
                _copy(path, folder / (path.name if name == "." else name))
        for source, name in self.folders.items():
            shutil.rmtree(folder / name, ignore_errors=True)
            if lacks(source):
                continue
            shutil.copytree(_path(outputs, source), folder / name)
        return {key: _value(outputs, source) for key, source in self.summary.items()}


def skipped_lines(skipped: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the closing line about recordings that could not be used, none if there is none."""
    if not skipped:
        return []
    kinds = [one.get("kind") or "other" for one in skipped]
    counts = f" ({format_counts(kinds)})" if set(kinds) != {"other"} else ""
    recordings, first = count(len(skipped), "recording"), skipped[0]["reason"]
    return [f"warning: {recordings} could not be used{counts}, the first: {first}"]


def _path(outputs: Mapping[str, Path], source: str) -> Path:
    output, _, inside = source.partition("/")
    return outputs[output] / inside


def _found(outputs: Mapping[str, Path], source: str) -> Iterator[Path]:
    path = _path(outputs, source)
    if "*" not in source:
        yield path
    else:
        yield from sorted(path.parent.glob(path.name))


def _copy(path: Path, place: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, place, dirs_exist_ok=True)
    else:
        shutil.copy2(path, place)


def _value(outputs: Mapping[str, Path], source: str) -> Any:
    file, _, key = source.partition("#")
    content = read_json(_path(outputs, file))
    return content[key] if key else content
