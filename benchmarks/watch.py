"""Page of a long history, and what is lost or judged twice when a watch is killed.

python benchmarks/watch.py                 the page of 100,000 recordings
python benchmarks/watch.py --kills 20      kill -9 at random moments of a watch over 60 clips
"""

import argparse
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from stethoscope.watch.history import History
from stethoscope.watch.overview import overview
from stethoscope.watch.page import history_page

START = 1_767_225_600.0  # 2026-01-01


def fill(path: Path, count: int, *, machines: int = 3, seed: int = 0) -> None:
    """Write a history of recordings every ten minutes, with pauses, a drift and faults."""
    with History(path):
        pass
    rng = np.random.default_rng(seed)
    rows, alarms = [], []
    for index in range(count):
        machine, place = f"pump/{index % machines:02d}", index // machines
        at = START + 600.0 * place + 200.0 * (index % machines)
        at += 60 * 3600.0 * (place // 700)  # a weekend without recordings
        fault = index % machines == 1 and place % 9000 > 8700
        score = rng.gamma(9.0, 1.0 / 9.0) + (1.5 if fault else 0.0) + 0.3 * place * machines / count
        judged = (int(score > 1.9), score, 1.9, "Anomaly" if score > 1.9 else "Component OK")
        key = (f"{index}.wav", 320_044, int(at * 1e9))
        rows.append((*key, at, at, machine, "judged", *judged, "{}", "pump"))
        if fault and place % 9000 == 8704:
            alarms.append((machine, at, index, at + 180_000.0, index))
    with sqlite3.connect(path) as database:
        database.executemany(
            "insert into recordings values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
        database.executemany("insert into alarms values (null, ?, ?, ?, ?, ?)", alarms)
    database.close()


def measure_page(count: int, keep: Path | None) -> None:
    """Print how long the page of a history takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pumps.sqlite")
        fill(path, count)
        for span in ("", "week"):
            seconds = []
            for _ in range(7):
                start = time.perf_counter()
                with History(path, read_only=True) as history:
                    page = history_page(
                        overview(history, span=span),
                        title=path.stem,
                        address=lambda row: f"audio/{row.number}",
                        span=span,
                        links=True,
                    )
                seconds.append(time.perf_counter() - start)
            print(
                f"{count:,} recordings, {span or 'everything':10s}:"
                f" page of {len(page) / 1e3:.0f} kB in {1e3 * statistics.median(seconds):.0f} ms"
                f" ({1e3 * min(seconds):.0f} to {1e3 * max(seconds):.0f})"
            )
            if keep and not span:
                keep.write_text(page, encoding="utf-8")


def measure_kills(kills: int, seed: int) -> None:
    """Kill a watch at random moments; then let it finish, and count."""
    from stethoscope.datasets.simulator.archive import simulate_archive
    from stethoscope.runs.run import run

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        archive = root / "fan.zip"
        simulate_archive(archive, machine="fan", ids=1, train_clips=60, test_anomaly=5, seconds=4.0)
        parameters = {"dataset_url": str(archive), "fault_groups": 0}
        run("main", parameters, root / "run")
        recordings = root / "in"
        recordings.mkdir()
        import zipfile

        with zipfile.ZipFile(archive) as packed:
            names = [name for name in packed.namelist() if "/train/" in name]
            for number, name in enumerate(names):
                (recordings / f"{number:03d}.wav").write_bytes(packed.read(name))
        command = [sys.executable, "-m", "stethoscope", "watch", str(root / "run" / "bundle")]
        command += [str(recordings), "--settle", "0", "--interval", "0.1", "--once"]
        chance, answers = random.Random(seed), []
        for _ in range(kills):
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                time.sleep(chance.uniform(0.3, 2.0))
                process.send_signal(signal.SIGKILL)
                answers += (process.communicate()[0]).splitlines()
        answers += subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True
        ).stdout.splitlines()
        printed = [line.split()[0] for line in answers if ".wav " in line]
        twice = len(printed) - len(set(printed))
        with History(root / "in-history.sqlite", read_only=True) as history:
            written = history.rows("select path, count(*) from recordings group by path")
        more = sum(count > 1 for _, count in written)
        print(
            f"{kills} kills, {len(names)} recordings: {len(written)} in the history,"
            f" {more} more than once, {twice} answers printed twice"
        )
        assert len(written) == len(names)
        assert not more


def main() -> None:
    """Measure what the options choose."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, help="keep the page")
    options = parser.parse_args()
    if options.kills:
        measure_kills(options.kills, options.seed)
    else:
        measure_page(options.count, options.page)


if __name__ == "__main__":
    main()
