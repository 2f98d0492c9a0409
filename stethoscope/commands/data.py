"""Commands that deal with recordings: inspect, simulate, datasets."""

import argparse
import json
from pathlib import Path

from stethoscope.commands import Add


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("inspect", _inspect, "tell what is in a set of recordings before anyone trains on it")
    one.add_argument("url", metavar="URL", help="as for run --dataset-url")
    one.add_argument(
        "--layout", default="auto", help="how the recordings are named (default: auto)"
    )
    one.add_argument("--json", action="store_true", help="print JSON")

    one = add("simulate", _simulate, "write an archive of simulated recordings")
    one.add_argument("output", type=Path, metavar="OUT", help="the zip to write")
    one.add_argument("--machine", required=True, help="fan, pump, slider or valve")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument(
        "--snr-db", type=float, default=0.0, help="machine over background, in dB (default: 0)"
    )
    one.add_argument(
        "--layout", default="dcase2020", help="dcase2020 or mimii (default: dcase2020)"
    )
    one.add_argument("--ids", type=int, default=3, help="machines (default: 3)")
    one.add_argument(
        "--train-clips", type=int, default=30, help="training clips per id (default: 30)"
    )
    one.add_argument("--test-normal", type=int, help="normal test clips per id")
    one.add_argument(
        "--test-anomaly", type=int, default=30, help="anomalous test clips per id (default: 30)"
    )
    one.add_argument("--seconds", type=float, default=10.0, help="length of a clip (default: 10)")

    one = add("datasets", _datasets, "list the public data sets that can be named")
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
            inspection = inspect(
                [one.path for one in fetch(options.url, folder, cache=cache_folder())],
                options.layout,
            )
    print(
        json.dumps(inspection.to_json(), indent=2, ensure_ascii=False)
        if options.json
        else render(inspection)
    )
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from stethoscope.datasets.simulator.archive import simulate_archive

    names = (
        "machine",
        "seed",
        "snr_db",
        "layout",
        "ids",
        "train_clips",
        "test_normal",
        "test_anomaly",
        "seconds",
    )
    simulate_archive(options.output, **{name: getattr(options, name) for name in names})
    print(f"{options.output} written; look into it: stethoscope inspect {options.output}")
    return 0


def _datasets(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from stethoscope.datasets.catalogue import entries

    known = entries()
    if options.json:
        print(
            json.dumps(
                {name: asdict(entry) for name, entry in known.items()}, indent=2, ensure_ascii=False
            )
        )
        return 0
    for name, entry in known.items():
        size = f"{entry.bytes / 1e9:.2f} GB" if entry.bytes else ""
        print(f"{name:<28}{entry.layout:<14}{entry.licence:<20}{size:>9}  {entry.url}")
    return 0
