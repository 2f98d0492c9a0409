"""A worker: a process that judges one recording after another, within limits.

The kernel enforces the limits on its memory and on the processor time and the time of a recording:
a recording that exceeds them, or crashes a decoder, ends the worker. The service then forks
another one.
"""

import resource
import signal
import socket
import traceback
from typing import Any

from stethoscope.bundle.inference import Inference
from stethoscope.serve import wire
from stethoscope.serve.judge import Header, judge, read_header
from stethoscope.serve.limits import LARGE_SAMPLES, WORKER_BYTES, Limits, RefusalError
from stethoscope.serve.memory import limit_growth


def work(connection: socket.socket, inference: Inference) -> None:
    """Judge the recordings that arrive over a connection, until it is closed."""
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    limit_growth(WORKER_BYTES)
    while True:
        try:
            job, content = wire.receive(connection)
        except (EOFError, OSError):
            return
        _limit_time(job["work_seconds"])
        reply = _reply(inference, job, content)
        signal.alarm(0)
        del content
        try:
            wire.send(connection, reply)
        except OSError:  # the service has ended
            return


def _limit_time(seconds: int) -> None:
    """End this process after some seconds, and after as many of processor time."""
    signal.alarm(seconds)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(
        resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard)
    )


def _reply(inference: Inference, job: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Return the number of samples of a recording, and a verdict or a refusal.

    A large recording gets neither, unless the job allows it.
    """
    header = read_header(content)
    if LARGE_SAMPLES < header.samples <= job["max_samples"] and not job["large"]:
        return {"samples": header.samples, "large": True}
    answer = _answer(inference, job, content, header)
    return {"samples": header.samples, "large": False, **answer}


def _answer(
    inference: Inference, job: dict[str, Any], content: bytes, header: Header
) -> dict[str, Any]:
    try:
        served = judge(
            inference,
            content,
            Limits(max_seconds=job["max_seconds"], max_samples=job["max_samples"]),
            machine_id=job["machine_id"],
            name=job["name"],
            picture=job["picture"],
            window=job["window"],
            step=job["step"],
            header=header,
        )
    except RefusalError as refusal:
        return {"refusal": [refusal.status, refusal.reason, refusal.message]}
    except MemoryError:
        message = f"{job['name'] or 'recording'}: needs too much memory; cut it into shorter clips"
        return {"refusal": [413, "too_long", message]}
    # The service logs what happened; its client learns nothing about it.
    except Exception:
        return {"failure": traceback.format_exc()}
    return {"served": served.to_json()}
