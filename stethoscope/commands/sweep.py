"""The command that runs the main pipeline for many machines and settings: sweep."""

import argparse
import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
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
from stethoscope.commands.run import add_cluster_options, write_configured
from stethoscope.errors import ParameterError

if TYPE_CHECKING:
    from stethoscope.sweep.items import Item


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
        required=True,
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
    from stethoscope.runs.run import absolute
    from stethoscope.sweep.items import plan

    grid = {name: _values(text) for name, text in parse_assignments(options.grid).items()}
    machines = [
        {
            "machine": name,
            "dataset_url": url if options.submit else absolute(url),
            **parse_assignments(options.parameter),
        }
        for name, url in _named(options.machines)
    ]
    items = plan(machines, grid)
    if options.submit:
        return _submit(options, items, {"machines": machines, "grid": grid})
    return _here(options, items, {"machines": machines, "grid": grid})


def _here(options: argparse.Namespace, items: "Sequence[Item]", values: dict[str, Any]) -> int:
    from stethoscope.runs.run import run

    output = options.output or Path("runs") / f"sweep-{datetime.now():%Y%m%d-%H%M%S}"
    if options.separate_runs:
        return _one_by_one(items, output)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "sweep.yaml"
        write_configured(source, "sweep", options)
        return 1 if run("sweep", values, output, source=source)["failed"] else 0


def _one_by_one(items: "Sequence[Item]", output: Path) -> int:
    """Run the items here, one after the other, without the pipeline of the sweep."""
    from stethoscope.files import cache_folder
    from stethoscope.sweep.items import run_item
    from stethoscope.sweep.leaderboard import write_leaderboard
    from stethoscope.sweep.summary import closing_lines

    for item in items:
        run_item(item, output / "items" / item.item, cache=str(cache_folder()))
    board = write_leaderboard([output / "items" / item.item for item in items], output)
    print("\n".join(closing_lines({"leaderboard": board.to_json()}, output)))
    return 1 if board.failed else 0


def _submit(options: argparse.Namespace, items: "Sequence[Item]", values: dict[str, Any]) -> int:
    from stethoscope.kubeflow.compiled import read_spec
    from stethoscope.runs.pipelines import compiled_file

    prepared(read_spec(compiled_file("sweep")), values)
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
