"""Trying a bundle out: opening it and judging its golden sounds, in a process of its own.

The runtime of the networks reads files of unknown origin, and can crash or hang on them. In a
process of its own with limits, that becomes an error that names the bundle.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.golden import check_golden_frames
from stethoscope.bundle.inference import Inference
from stethoscope.bundle.verdict import Verdict
from stethoscope.checks import EXPORT_AGAIN
from stethoscope.errors import ModelError, StethoscopeError
from stethoscope.resources import data_bytes
from stethoscope.system import explain_exit

M = TypeVar("M")

SECONDS = 120
"""Time that a trial may take, and processor time."""

_BYTES = 2 << 30
"""Memory that a trial may ask for; LiteRT and numpy reserve a part of it without using it."""


def try_bundle(bundle: Bundle) -> None:
    """Compute the golden sounds of an opened bundle from their samples, and judge them.

    The sound of the detector is judged as every machine: opening judges frames as one of them.

    Parameters
    ----------
    bundle : Bundle

    Raises
    ------
    ModelError
        If the frames of a golden sound are not those that were exported, or a verdict cannot be
        given or is not finite.
    """
    for role, model in bundle.models.items():
        check_golden_frames(bundle.folder / "golden" / role, model)
    inference = Inference(bundle)
    sound = (bundle.folder / "golden" / inference.role / "golden.wav").read_bytes()
    for machine in bundle.manifest["machines"] or [""]:
        verdict = inference.verdict(
            sound, machine_id=machine, name="golden.wav", compare=False, window=0
        )
        if not _is_finite(verdict):
            raise ModelError(
                f"{bundle.folder}: the verdict on its golden sound as {machine or 'it is'} "
                f"is not finite; {EXPORT_AGAIN}"
            )


def _is_finite(verdict: Verdict) -> bool:
    numbers = [verdict.score, verdict.threshold, *verdict.probabilities]
    return bool(np.isfinite(numbers).all())


def try_in_process(
    folder: str | os.PathLike[str],
    *,
    public_key: str | os.PathLike[str] | None = None,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """Open a bundle and try it out in a process of its own.

    Parameters
    ----------
    folder : path
    public_key : path, optional
        Of the signature that the bundle must have.
    seconds : float
        Time after which the process is ended.

    Returns
    -------
    dict of str to Any
        ``digest``, ``signed`` and ``schema_version`` of its manifest, ``name``, ``roles``,
        ``machines`` and the number of ``files``.

    Raises
    ------
    ModelError
        If the bundle cannot be used, whatever the reason.
    """
    command = [sys.executable, "-m", __name__, os.fspath(folder), os.fspath(public_key or "")]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{folder}: was not opened within {seconds:g} s; {EXPORT_AGAIN}"
        ) from error
    try:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise ModelError(
            f"{folder}: the process that opened it {explain_exit(done.returncode)}; {EXPORT_AGAIN}"
        ) from error
    if "error" in answer:
        raise ModelError(answer["error"])
    return answer


def open_tried(folder: str | os.PathLike[str]) -> Bundle:
    """Open a bundle for a command, by :func:`open_model_tried`."""
    return open_model_tried(folder, Bundle.open, try_bundle)


def open_model_tried(
    folder: str | os.PathLike[str],
    open_model: Callable[[str | os.PathLike[str]], M],
    try_model: Callable[[M], object],
) -> M:
    """Open a model for a command, if a copy of this process can open it and judge with it.

    A model without networks is opened at once: numpy does not crash on its arrays. Where processes
    cannot be forked, every model is.

    Parameters
    ----------
    folder : path
    open_model : callable
        Opens the folder.
    try_model : callable
        Runs the networks of what `open_model` returned.

    Returns
    -------
    What `open_model` returned

    Raises
    ------
    ModelError
        If the model cannot be used, or its network crashes or holds up the runtime.
    """
    if hasattr(os, "fork") and any(Path(folder).rglob("*.tflite")):
        status = _status_of_copy(lambda: try_model(open_model(folder)))
        if status:
            late = status == -signal.SIGALRM
            found = f"did not end within {SECONDS} s" if late else explain_exit(status)
            raise ModelError(f"{folder}: the process that opened it {found}; {EXPORT_AGAIN}")
    return open_model(folder)


def _status_of_copy(act: Callable[[], object]) -> int:
    """Do something in a copy of this process, and return how that ended.

    An error that has a message counts as a success: this process will find it again.
    """
    sys.stdout.flush()
    child = os.fork()
    if not child:
        status = 1
        with contextlib.suppress(BaseException):
            limit_resources()
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(SECONDS)
            with contextlib.suppress(StethoscopeError, OSError):
                act()
            status = 0
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def report(folder: str, public_key: str = "") -> dict[str, Any]:
    """Open a bundle, try it out, and return what :func:`try_in_process` returns, or the error."""
    try:
        bundle = Bundle.open(folder, public_key=public_key or None)
        try_bundle(bundle)
    except StethoscopeError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": f"{folder}: needs more than {_BYTES:,} bytes of memory; {EXPORT_AGAIN}"}
    manifest = bundle.manifest
    return {
        "digest": bundle.seal.digest,
        "signed": bool(bundle.seal.signature),
        "schema_version": manifest["schema_version"],
        "name": bundle.name,
        "roles": manifest["roles"],
        "machines": manifest["machines"],
        "files": len(manifest["files"]),
    }


def limit_resources(n_bytes: int = _BYTES, seconds: int = SECONDS) -> None:
    """Limit what this process takes from now on, memory and processor time; write no core dump."""
    if sys.platform == "win32":
        return
    import resource

    for limit, value in (
        (resource.RLIMIT_DATA, data_bytes() + n_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (most, hard))


if __name__ == "__main__":
    limit_resources()
    print(json.dumps(report(*sys.argv[1:3])), flush=True)
    os._exit(0)  # without the runtime's own end, which may crash after the answer
