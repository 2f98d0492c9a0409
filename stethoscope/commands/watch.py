"""The command ``watch``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from stethoscope.commands import Add
from stethoscope.commands.answers import add_bundle, add_machine_id
from stethoscope.errors import printable
from stethoscope.machines import format_machine
from stethoscope.terminal import coloured, print_json, typed_path

if TYPE_CHECKING:
    import threading

    from stethoscope.watch.history import Entry, History
    from stethoscope.watch.targets import Target
    from stethoscope.watch.watch import Watch


def register(add: Add) -> None:
    """Add the command to the parser."""
    one = add("watch", _watch, "judge every new recording of a folder or a sound card, with alarms")
    add_bundle(one)
    one.add_argument(
        "folder", type=Path, nargs="?", metavar="FOLDER", help="folder of the recordings"
    )
    one.add_argument(
        "--history",
        type=Path,
        metavar="FILE",
        help="where the verdicts are kept (default: FOLDER-history.sqlite, beside the folder)",
    )
    add_machine_id(one)
    one.add_argument(
        "--alarm",
        default="3/5",
        metavar="N/M",
        help="alarm if N of the last M recordings are anomalous (default: 3/5)",
    )
    one.add_argument(
        "--page", type=Path, metavar="FILE", help="write the page of the history when it ends"
    )
    one.add_argument("--once", action="store_true", help="judge what is there, and end")
    one.add_argument(
        "--json",
        action="store_true",
        help="print a JSON line per recording; its Alarm is true where an alarm is raised, false "
        "where it is cleared, else null",
    )
    _register_finding(one)
    _register_stream(one)
    _register_messages(one)
    one.add_argument(
        "--keep-days",
        type=float,
        default=0.0,
        metavar="DAYS",
        help="delete what is older from the history (default: keep all)",
    )
    one.add_argument(
        "--keep-mb",
        type=float,
        default=0.0,
        metavar="MB",
        help="delete the oldest of a history that is larger (default: keep all)",
    )


def _register_finding(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--interval",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="time between two looks into the folder (default: 2)",
    )
    one.add_argument(
        "--settle",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="a recording is complete if it has not changed for so long (default: 5)",
    )


def _register_stream(one: argparse.ArgumentParser) -> None:
    group = one.add_argument_group("instead of a folder")
    group.add_argument(
        "--stream",
        metavar="SOURCE",
        help="a sound card by its ALSA name, or - for raw samples of 16 bit from standard input",
    )
    group.add_argument(
        "--rate",
        type=int,
        default=16_000,
        metavar="HZ",
        help="samples per second of raw samples (default: 16000)",
    )
    group.add_argument(
        "--channels", type=int, default=1, metavar="N", help="channels of raw samples (default: 1)"
    )
    group.add_argument(
        "--window",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="length of what is judged at once (default: 10)",
    )
    group.add_argument(
        "--clips", type=Path, metavar="DIR", help="keep the anomalous windows there, as FLAC"
    )


def _register_messages(one: argparse.ArgumentParser) -> None:
    group = one.add_argument_group("where alarms are sent; each may be given several times")
    group.add_argument(
        "--webhook",
        action="append",
        default=[],
        metavar="URL",
        help="address that gets a POST request with JSON",
    )
    group.add_argument(
        "--mqtt",
        action="append",
        default=[],
        metavar="URL",
        help="topic of a broker, such as mqtt://broker:1883/topic",
    )
    group.add_argument(
        "--command",
        action="append",
        default=[],
        dest="programs",
        metavar="PROGRAM",
        help="a program with arguments; it gets the message on standard input",
    )


def _watch(options: argparse.Namespace) -> int:
    import signal
    import threading

    from stethoscope.bundle.inference import Inference
    from stethoscope.bundle.trial import open_tried
    from stethoscope.watch.alarms import AlarmRule
    from stethoscope.watch.delivery import Delivery
    from stethoscope.watch.history import History
    from stethoscope.watch.watch import Retention, Watch

    _check(options)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    rule, targets = AlarmRule.parse(options.alarm), _targets(options)
    inference = Inference(open_tried(options.bundle))
    path = options.history or _default_history(options)
    with History(path) as history:
        delivery = Delivery(path, targets)
        watch = Watch(
            inference,
            history,
            rule=rule,
            targets=targets,
            machine_id=options.machine_id,
            retention=Retention(days=options.keep_days, max_bytes=round(options.keep_mb * 1e6)),
            observe=_print_json if options.json else _print,
        )
        delivery.start()
        try:
            _run(options, watch, history, stopped)
        finally:
            delivery.finish()
            if options.page:
                _write_page(history, options)
    if not options.json:
        print(f"History: {typed_path(path)}")
    return 0


def _check(options: argparse.Namespace) -> None:
    from stethoscope.errors import ParameterError

    if (options.folder is None) == (options.stream is None):
        raise ParameterError("watch needs either a FOLDER or --stream SOURCE")
    for name in ("interval", "window"):
        if not 0 < getattr(options, name) <= 3600:
            raise ParameterError(
                f"--{name} is {getattr(options, name):g}; give more than 0 and at most 3600 seconds"
            )
    for name in ("settle", "keep_days", "keep_mb"):
        if not 0 <= getattr(options, name) < 1e9:
            raise ParameterError(
                f"--{name.replace('_', '-')} is {getattr(options, name):g}; give 0 or more"
            )


def _targets(options: argparse.Namespace) -> "list[Target]":
    from stethoscope.watch.targets import Command, Mqtt, Webhook

    return [
        *map(Webhook, options.webhook),
        *map(Mqtt, options.mqtt),
        *map(Command, options.programs),
    ]


def _default_history(options: argparse.Namespace) -> Path:
    if options.folder is None:
        return Path("history.sqlite")
    folder: Path = options.folder.resolve()
    return folder.parent / f"{folder.name}-history.sqlite"


def _run(
    options: argparse.Namespace, watch: "Watch", history: "History", stopped: "threading.Event"
) -> None:
    from stethoscope.watch.folder import WatchedFolder
    from stethoscope.watch.stream import SoundFormat, keep_clip, open_source, windows

    if options.folder is not None:
        history.set_property("folder", str(options.folder.resolve()))
        folder = WatchedFolder(options.folder, history.keys(), settle_seconds=options.settle)
        watch.folder(folder, stopped, interval=options.interval, once=options.once)
        return
    if options.clips:
        history.set_property("folder", str(options.clips.resolve()))
    form = SoundFormat(rate=options.rate, channels=options.channels)
    with open_source(options.stream, form) as file:
        for wav, recording in windows(file, form, stopped, seconds=options.window):
            entry = watch.recording(wav, recording, stopped)
            if entry is not None and entry.anomaly and options.clips:
                keep_clip(options.clips, recording.key[0], wav)
            if stopped.is_set():
                return


def _print(entry: "Entry", change: bool | None) -> None:
    score = ""
    if entry.score is not None:
        score = f"  score {entry.score:.3g}, threshold {entry.threshold:.3g}"
    style = {True: "red", False: "green", None: "yellow"}[entry.anomaly]
    message = coloured(printable(entry.message), style)
    print(f"{printable(entry.key[0])}  {message}{score}", flush=True)
    if change is not None:
        text = coloured("ALARM", "red") if change else coloured("alarm cleared", "green")
        print(f"{text}: {format_machine(entry.machine)}", flush=True)


def _print_json(entry: "Entry", change: bool | None) -> None:
    fields = {
        "File": entry.key[0],
        "Anomaly": entry.anomaly,
        "Message": entry.message,
        "Score": entry.score,
        "Threshold": entry.threshold,
        "Machine": entry.machine,
        "Alarm": change,
    }
    print_json(fields, flush=True)


def _write_page(history: "History", options: argparse.Namespace) -> None:
    from stethoscope.files import write_text
    from stethoscope.watch.overview import overview
    from stethoscope.watch.page import history_page

    folder = Path(history.property("folder") or ".")
    page = history_page(
        overview(history),
        title=history.path.stem,
        address=lambda row: (folder / row.path).as_uri() if (folder / row.path).exists() else "",
    )
    write_text(options.page, page)
    if not options.json:
        print(f"Page: {typed_path(options.page)}")
