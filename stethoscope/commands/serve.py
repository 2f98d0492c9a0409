"""The commands ``serve`` and ``listen``: a service, and a client of its stream."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from stethoscope.commands import Add
from stethoscope.commands.answers import add_bundle, add_machine_id
from stethoscope.terminal import print_json

if TYPE_CHECKING:
    from stethoscope.serve.limits import Limits

_KEY = "STETHOSCOPE_API_KEY"
_METRICS_KEY = "STETHOSCOPE_METRICS_KEY"


def register(add: Add) -> None:
    """Add the commands to the parser."""
    _register_serve(add)
    _register_listen(add)


def _register_serve(add: Add) -> None:
    one = add("serve", _serve, "judge recordings over HTTP, with a page for browsers")
    add_bundle(one)
    one.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 for all (default: 127.0.0.1)",
    )
    one.add_argument("--port", type=int, default=5000, help="0 takes a free one (default: 5000)")
    one.add_argument(
        "--max-seconds",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="longest recording that is judged (default: 300)",
    )
    one.add_argument(
        "--max-bytes",
        type=int,
        default=32 << 20,
        metavar="BYTES",
        help=f"largest request that is accepted (default: {32 << 20}, which are 32 MiB)",
    )
    one.add_argument(
        "--max-streams",
        type=int,
        default=24,
        metavar="N",
        help="streams open at once (default: 24)",
    )
    one.add_argument(
        "--max-streams-per-client",
        type=int,
        metavar="N",
        help="streams that one address may have open; as many as --max-streams for a gateway that "
        "sends the sound of all machines (default: three quarters of --max-streams)",
    )
    one.add_argument(
        "--trusted-proxy",
        default="",
        metavar="ADDRESS",
        help="addresses or networks of proxies whose X-Forwarded-For names the client",
    )
    one.add_argument(
        "--require-signature",
        type=Path,
        metavar="PUBLIC_KEY",
        help="serve only bundles that are signed with this key (a PEM file)",
    )
    one.add_argument(
        "--verdict",
        default="",
        choices=("detector", "diagnosis", "events", "classifier"),
        help="which model of the bundle decides; by the diagnosis or a classifier, a recording is "
        "anomalous if its likeliest class is not normal (default: the detector, if there is one)",
    )
    one.add_argument(
        "--history",
        type=Path,
        metavar="FILE",
        help="history of `stethoscope watch`, whose page is shown at /history",
    )
    one.epilog = (
        f"If {_KEY} is set, requests must have it as `Authorization: Bearer <key>`. "
        f"{_METRICS_KEY} is a second key, which opens /metrics only."
    )


def _register_listen(add: Add) -> None:
    one = add(
        "listen",
        _listen,
        "send a sound to a service as it arrives, and print a verdict per window as a JSON line",
    )
    one.add_argument(
        "source",
        metavar="FILE",
        help="a recording; - for raw samples from standard input, as `arecord` writes them",
    )
    one.add_argument(
        "--url",
        default="http://127.0.0.1:5000",
        help="the service (default: http://127.0.0.1:5000)",
    )
    add_machine_id(one)
    one.add_argument(
        "--window",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="length of a window (default: 10)",
    )
    one.add_argument(
        "--step",
        type=float,
        metavar="SECONDS",
        help="distance from window to window (default: the window's length)",
    )
    one.add_argument(
        "--rate",
        type=int,
        default=16_000,
        metavar="HZ",
        help="samples per second of standard input (default: 16000)",
    )
    one.add_argument(
        "--channels",
        type=int,
        default=1,
        metavar="N",
        help="channels of standard input (default: 1)",
    )
    one.add_argument(
        "--encoding",
        default="s16le",
        choices=("s16le", "f32le"),
        help="samples of standard input (default: s16le)",
    )
    one.add_argument(
        "--retry-seconds",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to try again when the connection is lost, for example because the service "
        "restarts (default: 60)",
    )
    one.epilog = f"The key of the service is taken from {_KEY}."


def _serve(options: argparse.Namespace) -> int:
    from stethoscope.errors import ParameterError
    from stethoscope.serve.processes import ForkServer

    limits = _limits(options)
    if not hasattr(os, "fork"):
        raise ParameterError("serve needs Linux or macOS; on Windows, use WSL or the container")
    opening = ForkServer(options.bundle, options.require_signature, options.verdict)
    # It opens the bundle while these are loaded.
    from stethoscope.serve.history import ServedHistory
    from stethoscope.serve.model import LiveModel
    from stethoscope.serve.server import serve

    serve(
        LiveModel(options.bundle, opening),
        host=options.host,
        port=options.port,
        limits=limits,
        api_key=os.environ.get(_KEY, ""),
        metrics_key=os.environ.get(_METRICS_KEY, ""),
        trusted_proxy=options.trusted_proxy,
        history=ServedHistory(options.history) if options.history else None,
    )
    return 0


def _limits(options: argparse.Namespace) -> "Limits":
    from stethoscope.errors import ParameterError
    from stethoscope.serve.limits import Limits

    for name in ("max_seconds", "max_bytes", "max_streams", "max_streams_per_client"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise ParameterError(f"--{name.replace('_', '-')} is {value}; it must be positive")
    return Limits(
        max_seconds=options.max_seconds,
        max_bytes=options.max_bytes,
        max_bytes_held=max(Limits().max_bytes_held, 3 * options.max_bytes),  # streams hold two
        max_streams=options.max_streams,
        max_streams_per_client=options.max_streams_per_client,
    )


def _listen(options: argparse.Namespace) -> int:
    from stethoscope.serve.client import read_file, read_raw, stream_verdicts

    samples = (
        read_raw(options.rate, options.channels, options.encoding, options.machine_id)
        if options.source == "-"
        else read_file(options.source, options.machine_id)
    )
    step = options.window if options.step is None else options.step
    answered = 0
    for verdict in stream_verdicts(
        samples,
        url=options.url,
        window=options.window,
        step=step,
        api_key=os.environ.get(_KEY, ""),
        retry_seconds=options.retry_seconds,
    ):
        print_json(verdict, flush=True)
        answered += "Error" not in verdict
    return 0 if answered else 1
