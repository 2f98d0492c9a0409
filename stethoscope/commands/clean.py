"""The command that deletes what runs have left that failed or were stopped: clean."""

import argparse
from pathlib import Path

from stethoscope.commands import Add


def register(add: Add) -> None:
    """Add the command to the parser."""
    one = add("clean", _clean, "delete the outputs of steps of runs that failed or were stopped")
    one.add_argument(
        "folders",
        nargs="*",
        type=Path,
        default=[Path("runs")],
        metavar="DIR",
        help="folder of a run, or of several (default: runs)",
    )
    one.add_argument(
        "--older-than",
        type=float,
        default=0.0,
        metavar="DAYS",
        help="leave runs that wrote something since then (default: 0)",
    )
    one.add_argument("--dry-run", action="store_true", help="only list what would be deleted")


def _clean(options: argparse.Namespace) -> int:
    from stethoscope.runs.clean import delete_leftovers, describe_leftovers, find_leftovers

    found = find_leftovers(options.folders, older_than=options.older_than)
    if not found:
        print("Nothing to delete.")
        return 0
    print("\n".join(describe_leftovers(found)))
    megabytes = f"{sum(one.size for one in found) / 1e6:.1f} MB"
    if options.dry_run:
        print(f"{megabytes} would be deleted. These runs could then not be continued.")
        return 0
    delete_leftovers(found)
    print(f"{megabytes} deleted.")
    return 0
