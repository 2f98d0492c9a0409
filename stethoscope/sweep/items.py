"""The runs of a sweep: the main pipeline for every machine with every setting.

Each run has a process of its own, so that one that fails does not stop the others.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stethoscope.datasets import catalogue
from stethoscope.datasets.download.presence import missing_archives
from stethoscope.errors import ParameterError, refuse
from stethoscope.files import packaged_file, write_json
from stethoscope.kubeflow.folder import WORK, RunFolder
from stethoscope.kubeflow.parameters import CompiledParameter, cast_values, read_parameters
from stethoscope.kubeflow.step import KFP_RUNTIME
from stethoscope.kubeflow.steps import LOCAL
from stethoscope.processes import bound_command
from stethoscope.system import explain_exit

RESULT = "result.json"

UNLESS_GIVEN = {"fault_groups": 0}
"""Parameters of every run unless they are given.

A sweep compares detectors, and needs no diagnosis in each of its runs.
"""


@dataclass(frozen=True, slots=True)
class Item:
    """One run of a sweep.

    Attributes
    ----------
    item : str
        Its name, ``fan-1``, and that of its folder.
    machine : str
    varied : dict
        The parameters of the grid, with this run's values.
    parameters : dict
        All parameters that differ from their defaults.
    """

    item: str
    machine: str
    varied: dict[str, Any]
    parameters: dict[str, Any]

    def to_text(self) -> str:
        """Return the item as JSON: in a pipeline's list, whole numbers become fractions."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Item":
        """Build the item from :meth:`to_text`'s value."""
        return cls(**json.loads(text))


def plan(machines: Sequence[str | Mapping[str, Any]], grid: Mapping[str, Any]) -> list[Item]:
    """Return the runs of a sweep: every machine with every combination of the grid.

    Parameters
    ----------
    machines : sequence
        Of mappings ``{"machine": "fan", "dataset_url": "dcase2020/fan", ...}`` with any parameter
        of the main pipeline; or of names: one of the catalogue, a whole collection of it
        (``dcase2020``), ``simulated/<machine>``.
    grid : mapping of str to list
        Values to try, by parameter; empty for the defaults alone.

    Raises
    ------
    ParameterError
        If a parameter is unknown or has a value of another type. The message lists everything that
        is wrong.
    """
    known = read_parameters(packaged_file("pipeline.yaml"))
    described, problems = _machines(machines)
    problems += _grid_problems(known, grid)
    problems += _machine_problems(known, described, grid)
    refuse(problems)
    return [item for one in described for item in _items_of(known, one, grid)]


def refuse_missing(items: Iterable[Item]) -> None:
    """Refuse a sweep of which an archive is missing, before any of its runs begins.

    Each address is requested once, and nothing is fetched.

    Raises
    ------
    ParameterError
        With all archives that are missing.
    """
    default = read_parameters(packaged_file("pipeline.yaml"))["dataset_url"].default
    addresses = {one.parameters.get("dataset_url", default): one.machine for one in items}
    refuse(
        [
            f"{machine}: {problem}"
            for address, machine in addresses.items()
            for problem in missing_archives(address)
        ]
    )


def _items_of(
    known: Mapping[str, CompiledParameter], machine: Mapping[str, Any], grid: Mapping[str, Any]
) -> Iterator[Item]:
    """Yield the runs of one machine."""
    own = cast_values(known, _parameters_of(machine))
    for number, values in enumerate(itertools.product(*grid.values()), start=1):
        varied = cast_values(known, dict(zip(grid, values, strict=True)))
        yield Item(
            f"{_folder(machine['machine'])}-{number}",
            machine["machine"],
            varied,
            {**UNLESS_GIVEN, **own, **varied},
        )


def run_item(
    item: Item, folder: Path, *, cache: str = "", keep_failed: bool = False
) -> dict[str, Any]:
    """Run the main pipeline for an item in its own process, and write the outcome into a folder.

    The folder holds the results of :func:`stethoscope.runs.run.run`, and ``result.json``: the item,
    ``status`` (``succeeded`` or ``failed``), ``reason``, ``seconds`` and ``figures``. It is written
    whatever happens: a process that is killed, for instance because there is no memory left, is a
    failed item too.

    A run of the same item that was stopped in this folder is continued.

    Parameters
    ----------
    item : Item
    folder : Path
    cache : str
        Folder in which downloads are kept; by default that of the environment. Without either they
        are deleted with the run's own files.
    keep_failed : bool
        Keep the outputs of the steps of a run that failed, so that it can be continued. A local
        sweep does so too.

    Returns
    -------
    dict
        The content of ``result.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    status, reason = _follow(_command(item, folder), _environment(folder, cache), label=item.item)
    if status == 0 or not (keep_failed or LOCAL in os.environ):
        shutil.rmtree(folder / WORK, ignore_errors=True)
    figures = None
    if status == 0:
        try:
            summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
            figures = summary["evaluation"]["overall"]
        except (OSError, ValueError, KeyError) as error:
            status, reason = 1, f"its summary cannot be read ({error})"
    result = {
        **asdict(item),
        "status": "succeeded" if status == 0 else "failed",
        "reason": reason if status else "",
        "seconds": round(time.monotonic() - started, 1),
        "figures": figures,
    }
    write_json(folder / RESULT, result)
    return result


def _command(item: Item, folder: Path) -> list[str]:
    """Return the command that runs an item, or continues its run if it was stopped."""
    begun = RunFolder(folder).record().get("values") == item.parameters
    command = bound_command("stethoscope", "run", "--resume" if begun else "--output", str(folder))
    for name, value in item.parameters.items():
        command += ["-p", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return command


def _environment(folder: Path, cache: str) -> dict[str, str]:
    """Return the environment of an item's process."""
    environment = {key: value for key, value in os.environ.items() if key != KFP_RUNTIME}
    # Without a cache, downloads go beside the run's own files: there they can be linked.
    downloads = str((folder / WORK / "downloads").absolute())
    environment["STETHOSCOPE_CACHE"] = cache or environment.get("STETHOSCOPE_CACHE") or downloads
    return environment


def _follow(
    command: Sequence[str], environment: Mapping[str, str], *, label: str
) -> tuple[int, str]:
    """Run a command and print its output with a label before each line.

    Returns
    -------
    status : int
        Exit status.
    reason : str
        Why the command failed.
    """
    reason = "no reason was given"
    with subprocess.Popen(  # noqa: S603  # our own interpreter, without a shell
        command,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            print(f"{label} | {line.rstrip()}", flush=True)
            if line.startswith("stethoscope: "):
                # The place of the log is known: it is in the item's own folder.
                reason = re.sub(
                    r" \(everything the steps printed is in .*",
                    "",
                    line.removeprefix("stethoscope: ").strip(),
                )
    if process.returncode < 0:
        reason = f"it {explain_exit(process.returncode)}"
    return process.returncode, reason


def _machines(
    machines: Sequence[str | Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return each machine as a mapping, and what is wrong with the machines."""
    described: list[dict[str, Any]] = []
    problems = [] if machines else ["machines is empty; give at least one, such as dcase2020/pump"]
    for one in machines:
        if isinstance(one, str):
            described += [
                {"machine": name_of(address), "dataset_url": address}
                for address in archives_named(one)
            ]
        elif "name" in one:
            # KFP would use the first value of that key for all items of a loop.
            problems.append(f"machines: {dict(one)} has a key called name; call it machine")
        elif not (
            isinstance(one.get("machine"), str)
            and one["machine"]
            and isinstance(one.get("dataset_url"), str)
        ):
            problems.append(f"machines: {dict(one)} needs the keys machine and dataset_url")
        else:
            described.append(dict(one))
    return described, problems


def archives_named(name: str) -> list[str]:
    """Return the archives of a collection of the catalogue, ``dcase2020``.

    Any other name is returned as it is.
    """
    return [one for one in catalogue.entries() if one.startswith(f"{name}/")] or [name]


def name_of(address: str) -> str:
    """Return the name of a machine, made from its address.

    It is ``fan`` for ``dcase2020/fan`` and for ``simulated/fan?ids=2``.
    """
    return Path(address.partition("?")[0]).stem


def _grid_problems(known: Mapping[str, CompiledParameter], grid: Mapping[str, Any]) -> list[str]:
    problems = []
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            problems.append(f"grid: {name} is {values!r}; give a list of values")
        else:
            problems += _cast_problems(known, "grid", ({name: value} for value in values))
    return problems


def _machine_problems(
    known: Mapping[str, CompiledParameter],
    described: Sequence[Mapping[str, Any]],
    grid: Mapping[str, Any],
) -> list[str]:
    names = Counter(one["machine"] for one in described)
    problems = [
        f"machine {name} is there twice; give each a name of its own"
        for name in sorted(name for name, count in names.items() if count > 1)
    ]
    for one in described:
        own = _parameters_of(one)
        problems += _cast_problems(known, one["machine"], [own])
        problems += [
            f"{one['machine']}: {name} is in the grid as well; set it in one place"
            for name in own
            if name in grid
        ]
    return problems


def _cast_problems(
    known: Mapping[str, CompiledParameter], where: str, assignments: Iterable[Mapping[str, Any]]
) -> list[str]:
    problems = []
    for values in assignments:
        try:
            cast_values(known, values)
        except ParameterError as error:
            problems.append(f"{where}: {error}")
    return problems


def _parameters_of(machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the pipeline in a machine's mapping."""
    return {key: value for key, value in machine.items() if key != "machine"}


def _folder(name: str) -> str:
    return re.sub(r"[^\w.=+-]", "_", name).strip(".") or "machine"
