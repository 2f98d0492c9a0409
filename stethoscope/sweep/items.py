"""Many runs of the main pipeline: every machine with every setting, each on its own, so that one
that fails does not stop the others.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stethoscope.datasets import catalogue
from stethoscope.errors import ParameterError, refuse
from stethoscope.files import packaged_file, write_json
from stethoscope.kubeflow.parameters import Parameter, check_parameters, read_parameters

RESULT = "result.json"

UNLESS_GIVEN = {"fault_groups": 0}
"""Parameters of every run unless they are given: a sweep compares detectors, and needs no diagnosis
in each of its runs.
"""


@dataclass(frozen=True, slots=True)
class Item:
    """One run of a sweep.

    Attributes
    ----------
    item : str
        How it is called, ``fan-1``; also the name of its folder.
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
        """Return the item as JSON: inside a list, a pipeline would turn whole numbers into
        fractions.
        """
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
        If a parameter is unknown or has a value of another type; all that is wrong is said at once.
    """
    known = read_parameters(packaged_file("pipeline.yaml"))
    described, problems = _machines(machines)
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            problems.append(f"grid: {name} is {values!r}; give a list of values")
        else:
            problems += _problems(known, "grid", ({name: value} for value in values))
    names = [one["machine"] for one in described]
    problems += [
        f"machine {name} is there twice; give each a name of its own"
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    for one in described:
        own = {key: value for key, value in one.items() if key != "machine"}
        problems += _problems(known, one["machine"], [own])
        problems += [
            f"{one['machine']}: {name} is in the grid as well; set it in one place"
            for name in own
            if name in grid
        ]
    refuse(problems)

    items = []
    for one in described:
        own = check_parameters(
            known, {key: value for key, value in one.items() if key != "machine"}
        )
        for number, values in enumerate(itertools.product(*grid.values()), start=1):
            varied = check_parameters(known, dict(zip(grid, values, strict=True)))
            items.append(
                Item(
                    f"{_folder(one['machine'])}-{number}",
                    one["machine"],
                    varied,
                    {**UNLESS_GIVEN, **own, **varied},
                )
            )
    return items


def run_item(item: Item, folder: Path, *, cache: str = "") -> dict[str, Any]:
    """Run the main pipeline for an item in a process of its own, and write how that went into a
    folder, whatever happens.

    The folder holds what :func:`stethoscope.runs.run.run` leaves, and ``result.json``: the item,
    ``status`` (``succeeded`` or ``failed``), ``reason``, ``seconds`` and ``figures``. A process
    that is killed, for instance because the memory is at its end, is a failed item too.

    Parameters
    ----------
    item : Item
    folder : Path
    cache : str
        Folder in which downloads stay; by default that of the environment, else they do not stay.

    Returns
    -------
    dict
        The content of ``result.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "stethoscope", "run", "--output", str(folder)]
    for name, value in item.parameters.items():
        command += ["-p", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    # Where this is itself a step, KFP would load only what steps need.
    environment = {key: value for key, value in os.environ.items() if key != "_KFP_RUNTIME"}
    # Without a cache downloads go beside the run's own files, where they can be linked, and away
    # with these.
    environment["STETHOSCOPE_CACHE"] = (
        cache
        or environment.get("STETHOSCOPE_CACHE")
        or str((folder / "work" / "downloads").absolute())
    )
    started = time.monotonic()
    status, reason = _follow(command, environment, label=item.item)
    shutil.rmtree(folder / "work", ignore_errors=True)
    figures = None
    try:
        figures = (
            json.loads((folder / "summary.json").read_text(encoding="utf-8"))["evaluation"][
                "overall"
            ]
            if status == 0
            else None
        )
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


def _follow(
    command: Sequence[str], environment: Mapping[str, str], *, label: str
) -> tuple[int, str]:
    """Run a command, pass on what it prints with a label before each line, and return its exit
    status and why it failed.
    """
    reason = "no reason was given"
    with subprocess.Popen(  # our own interpreter; no shell  # noqa: S603
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
                # Where the log lies is no news: it is in the item's own folder.
                reason = re.sub(
                    r" \(everything the steps printed is in .*\)",
                    "",
                    line.removeprefix("stethoscope: ").strip(),
                )
    if process.returncode < 0:
        reason = (
            f"it was killed by signal {-process.returncode}; perhaps there was too little memory"
        )
    return process.returncode, reason


def _machines(
    machines: Sequence[str | Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the machines described in full, and what is wrong with them."""
    described: list[dict[str, Any]] = []
    problems = [] if machines else ["machines is empty; give at least one, such as dcase2020/pump"]
    for one in machines:
        if isinstance(one, str):
            described += [
                {"machine": name_of(address), "dataset_url": address}
                for address in archives_named(one)
            ]
        elif "name" in one:
            # A key of that name would silently be one and the same for all items of a loop.
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
    """Return the catalogue's names of the archives in a collection, ``dcase2020``; any other name
    as it is.
    """
    return [one for one in catalogue.entries() if one.startswith(f"{name}/")] or [name]


def name_of(address: str) -> str:
    """Return what a machine is called whose name is not given: ``fan`` for ``dcase2020/fan`` and
    for ``simulated/fan?ids=2``.
    """
    return Path(address.partition("?")[0]).stem


def _problems(
    known: Mapping[str, Parameter], where: str, assignments: Iterable[Mapping[str, Any]]
) -> list[str]:
    problems = []
    for values in assignments:
        try:
            check_parameters(known, values)
        except ParameterError as error:
            problems.append(f"{where}: {error}")
    return problems


def _folder(name: str) -> str:
    return re.sub(r"[^\w.=+-]", "_", name).strip(".") or "machine"
