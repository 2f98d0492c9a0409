"""Commands for recordings: inspect, simulate, datasets."""

import argparse
import re
from pathlib import Path

from stethoscope.commands import Add
from stethoscope.errors import printable
from stethoscope.terminal import Cell, coloured, is_terminal, print_json, print_table

_SIMULATE = (
    "machine",
    "seed",
    "snr_db",
    "layout",
    "ids",
    "train_clips",
    "test_normal",
    "test_anomaly",
    "sessions",
    "test_sessions",
    "noise_clips",
    "machine_clips",
    "channels",
    "seconds",
)


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("inspect", _inspect, "describe a set of recordings before training")
    one.add_argument(
        "url",
        metavar="RECORDINGS",
        help="address, path, folder, name of the catalogue, or simulated/<machine>",
    )
    one.add_argument(
        "--layout",
        default="auto",
        help="how the recordings are named, such as dcase2020 or folders (default: auto)",
    )
    one.add_argument("--json", action="store_true", help="print JSON")

    one = add("simulate", _simulate, "write an archive of simulated recordings")
    one.add_argument("output", type=Path, metavar="OUT", help="the zip to write")
    one.add_argument("--machine", required=True, help="fan, pump, slider or valve")
    one.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of everything random (default: 0)"
    )
    one.add_argument(
        "--snr-db",
        type=float,
        default=0.0,
        metavar="DB",
        help="level of the machine over the background, in dB (default: 0)",
    )
    one.add_argument(
        "--layout", default="dcase2020", help="dcase2020 or mimii (default: dcase2020)"
    )
    one.add_argument(
        "--ids", type=int, default=3, metavar="N", help="number of machines (default: 3)"
    )
    one.add_argument(
        "--train-clips",
        type=int,
        default=30,
        metavar="N",
        help="training clips per id (default: 30)",
    )
    one.add_argument(
        "--test-normal",
        type=int,
        metavar="N",
        help="normal test clips per id (default: as many as anomalous ones)",
    )
    one.add_argument(
        "--test-anomaly",
        type=int,
        default=30,
        metavar="N",
        help="anomalous test clips per id (default: 30)",
    )
    one.add_argument(
        "--sessions",
        type=int,
        default=0,
        metavar="N",
        help="recording sessions of the training clips; 0 for none (default: 0)",
    )
    one.add_argument(
        "--test-sessions",
        type=int,
        metavar="N",
        help="other sessions, of the test clips (default: as many as --sessions)",
    )
    for name, what in (("noise", "the background"), ("machine", "the healthy machine")):
        one.add_argument(
            f"--{name}-clips",
            type=int,
            default=0,
            metavar="N",
            help=f"further clips of {what} alone, per id (default: 0)",
        )
    one.add_argument(
        "--channels",
        type=int,
        default=1,
        metavar="N",
        help="2 adds a microphone farther from the machine (default: 1)",
    )
    one.add_argument(
        "--seconds",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="length of a clip (default: 10)",
    )

    one = add("datasets", _datasets, "list the public data sets of the catalogue")
    one.add_argument("--json", action="store_true", help="print JSON")


def _inspect(options: argparse.Namespace) -> int:
    import tempfile

    from stethoscope.datasets.download.fetch import fetch
    from stethoscope.datasets.inspect import inspect, render
    from stethoscope.files import cache_folder

    if options.url and Path(options.url).exists():
        inspection = inspect([Path(options.url)], options.layout)
    else:
        with tempfile.TemporaryDirectory() as folder:
            fetched = fetch(options.url, folder, cache=cache_folder())
            inspection = inspect([one.path for one in fetched], options.layout)
    if options.json:
        print_json(inspection.to_json(), indent=2)
    else:
        print("\n".join(map(_highlight, map(printable, render(inspection).split("\n")))))
    return 1 if "unknown" in inspection.layouts.values() else 0


def _highlight(line: str) -> str:
    """Return a line of a description with the colour that says what it is."""
    if ": layout unknown" in line:
        return coloured(line, "red")
    if re.match(r"\d+ (unreadable|not named as in the layout):", line):
        return coloured(line, "yellow")
    is_head = line.startswith("machine  ") or ": layout " in line
    return coloured(line, "bold") if is_head else line


def _simulate(options: argparse.Namespace) -> int:
    from stethoscope.datasets.simulator.archive import simulate_archive
    from stethoscope.resources import keep_freed_memory

    keep_freed_memory()
    simulate_archive(options.output, **{name: getattr(options, name) for name in _SIMULATE})
    print(f"{options.output} written; to describe it: stethoscope inspect {options.output}")
    return 0


def _datasets(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from stethoscope.datasets.catalogue import entries

    known = entries()
    if options.json:
        print_json({name: asdict(entry) for name, entry in known.items()}, indent=2)
        return 0
    header = ("name", "layout", "licence", "size", "address")
    rows = [
        (
            Cell(name, "bold"),
            entry.layout,
            entry.licence,
            f"{entry.bytes / 1e9:.2f} GB" if entry.bytes else "",
            entry.url,
        )
        for name, entry in known.items()
    ]
    print_table([header, *rows] if is_terminal() else rows, align="<<<><")
    return 0
