"""The command that runs the main pipeline for many machines and settings: sweep."""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stethoscope.commands import Add
from stethoscope.commands.cluster import (
    add_run_options,
    add_server_options,
    prepared,
    run_request,
    upload,
)
from stethoscope.commands.run import add_cluster_options, add_resume, write_configured
from stethoscope.errors import ParameterError
from stethoscope.terminal import typed_path

if TYPE_CHECKING:
    from stethoscope.kubeflow.folder import RunFolder
    from stethoscope.sweep.items import Item

_SEPARATE = "separate runs"
"""What a sweep without a pipeline of its own notes as its pipeline."""

_LEAVES = ["items", *(f"leaderboard.{kind}" for kind in ("html", "md", "csv", "json"))]
"""What such a sweep leaves."""


def register(add: Add) -> None:
    """Add the command to the parser."""
    one = add(
        "sweep",
        _sweep,
        "run the main pipeline for many machines and settings, and compare the results",
    )
    _add_runs(one)
    one.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for the results (default: runs/sweep-<time>)",
    )
    add_resume(one)
    one.add_argument(
        "--parallelism",
        type=int,
        default=0,
        metavar="N",
        help="how many runs go on at the same time (default: 2 here, 4 on a cluster)",
    )
    one.add_argument(
        "--separate-runs",
        action="store_true",
        help="start one run per machine and setting, for Kubeflow's Compare page",
    )
    one.add_argument("--submit", action="store_true", help="run on a cluster instead of here")
    one.add_argument(
        "--experiment",
        default="sweep",
        help="experiment that the runs belong to, with --submit (default: sweep)",
    )
    add_server_options(one)
    add_run_options(one)
    add_cluster_options(one)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    """Add the options that define the runs: machines, settings, and parameters of all runs."""
    parser.add_argument(
        "--machines",
        nargs="+",
        default=[],
        metavar="NAME",
        help="data sets: dcase2020 for its six machines, dcase2020/fan, or an archive",
    )
    parser.add_argument(
        "--grid",
        nargs="+",
        default=[],
        metavar="NAME=VALUE,VALUE",
        help="values to try, separated by commas or as a JSON list",
    )
    parser.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a parameter of all runs; repeatable",
    )


def _sweep(options: argparse.Namespace) -> int:
    from stethoscope.kubeflow.parameters import parse_assignments
    from stethoscope.sweep.items import plan

    if options.resume:
        return _resume(options)
    if not options.machines:
        raise ParameterError("--machines is missing; name at least one, such as dcase2020/pump")
    grid = {name: _values(text) for name, text in parse_assignments(options.grid).items()}
    values: dict[str, Any] = {"machines": _machines(options), "grid": grid}
    items = plan(**values)
    if options.submit:
        return _submit(options, items, values)
    if options.separate_runs:
        return _one_by_one(_folder(options.output), values)
    return _here(options, values)


def _machines(options: argparse.Namespace) -> list[dict[str, str]]:
    """Return name, address and parameters of each machine."""
    from stethoscope.kubeflow.parameters import parse_assignments
    from stethoscope.runs.run import absolute

    return [
        {
            "machine": name,
            "dataset_url": url if options.submit else absolute(url),
            **parse_assignments(options.parameter),
        }
        for name, url in _named(options.machines)
    ]


def _here(options: argparse.Namespace, values: dict[str, Any]) -> int:
    from stethoscope.runs.run import run

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "sweep.yaml"
        write_configured(source, "sweep", options)
        return 1 if run("sweep", values, options.output, source=source)["failed"] else 0


def _resume(options: argparse.Namespace) -> int:
    """Continue a sweep of this computer."""
    from stethoscope.kubeflow.folder import RunFolder
    from stethoscope.runs.run import resume

    if options.machines or options.grid or options.parameter or options.submit:
        raise ParameterError("--resume takes machines and settings of the folder; give it alone")
    folder = RunFolder(options.resume.resolve())
    if folder.record().get("pipeline") == _SEPARATE:
        return _one_by_one(folder, folder.record()["values"])
    return 1 if resume(options.resume)["failed"] else 0


def _folder(output: Path | None) -> "RunFolder":
    """Return the folder of a new sweep, without what an older one left there."""
    from stethoscope.kubeflow.folder import RunFolder, new_folder

    if output is None:
        return RunFolder(new_folder(Path("runs"), "sweep"))
    output.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(output.resolve())
    with folder.locked():
        folder.clear(_LEAVES)
    return folder


def _one_by_one(folder: "RunFolder", values: dict[str, Any]) -> int:
    """Run the items here, one after the other, without the pipeline of the sweep."""
    from stethoscope.files import cache_folder
    from stethoscope.sweep.items import plan, refuse_missing, run_item
    from stethoscope.sweep.leaderboard import write_leaderboard
    from stethoscope.sweep.summary import closing_lines

    items = plan(**values)
    refuse_missing(items)
    output = folder.path
    with folder.locked():
        folder.note(pipeline=_SEPARATE, values=values, files=_LEAVES, state="running")
        for item in items:
            place = output / "items" / item.item
            run_item(item, place, cache=str(cache_folder()), keep_failed=True)
        board = write_leaderboard([output / "items" / item.item for item in items], output)
        print("\n".join(closing_lines({"leaderboard": board.to_json()}, output)))
        folder.note(state="failed" if board.failed else "finished")
    if board.failed:
        print(f"Run those again that failed: stethoscope sweep --resume {typed_path(output)}")
    return 1 if board.failed else 0


def _submit(options: argparse.Namespace, items: "Sequence[Item]", values: dict[str, Any]) -> int:
    from stethoscope.kubeflow.compiled import read_spec
    from stethoscope.runs.pipelines import compiled_file

    prepared(read_spec(compiled_file("sweep")), values, options)
    cluster, version = upload("main" if options.separate_runs else "sweep", options)
    runs = {item.item: item.parameters for item in items}
    for name, parameters in runs.items() if options.separate_runs else [("sweep", values)]:
        run_id = cluster.start(version, run_request(options, name, options.experiment, parameters))
        print(f"Run started: {name}: {cluster.link(run_id)}")
    return 0


def _named(machines: Sequence[str]) -> list[tuple[str, str]]:
    """Return name and address of each machine; ``name=address`` gives both."""
    from stethoscope.sweep.items import archives_named, name_of

    named = []
    for one in machines:
        name, equals, url = one.partition("=")
        if equals and "/" not in name and "?" not in name:
            named.append((name, url))
        else:
            named += [(name_of(address), address) for address in archives_named(one)]
    return named


def _values(text: str) -> list[Any]:
    """Return the values of a grid's parameter: a JSON list, or texts separated by commas."""
    if not text.lstrip().startswith("["):
        return text.split(",")  # an empty value counts: it may be the default
    try:
        values: list[Any] = json.loads(text)
    except ValueError as error:
        raise ParameterError(f"grid holds {text!r}, which is not a JSON list ({error})") from error
    return values
