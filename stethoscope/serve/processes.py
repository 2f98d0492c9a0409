"""The processes that work for the service: how they are started, used, and ended."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import stethoscope
from stethoscope.errors import ModelError
from stethoscope.serve import limits, wire
from stethoscope.serve.exchange import Exchange

_SECRETS = ("STETHOSCOPE_API_KEY", "STETHOSCOPE_METRICS_KEY")  # which workers do not need

_FORK_SECONDS = 10.0
_END_SECONDS = 2.0
_SEND_BYTES = 1 << 20
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class ForkServer:
    """A process that opens a bundle, and forks workers which judge with it.

    The constructor returns at once; :meth:`opened` waits for the bundle.

    Parameters
    ----------
    folder : Path
        The bundle.
    public_key : Path or None
        PEM file of the key that the bundle must be signed with.
    decider : str
        As for :class:`stethoscope.bundle.inference.Inference`.
    """

    def __init__(self, folder: Path, public_key: Path | None = None, decider: str = "") -> None:
        self._folder = folder
        self.public_key = public_key
        self.decider = decider
        self._socket, theirs = socket.socketpair()
        package = Path(stethoscope.__file__).parents[1]
        path = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [
                    *(sys.executable, "-P", "-m", "stethoscope.serve.forkserver"),
                    *(str(theirs.fileno()), str(folder), str(public_key or "")),
                    *(str(limits.OPEN_SECONDS), decider),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={
                    **{name: os.environ[name] for name in os.environ if name not in _SECRETS},
                    **dict.fromkeys(_ONE_THREAD, "1"),
                    "PYTHONPATH": os.pathsep.join(path),
                },
            )

    def opened(self) -> dict[str, Any]:
        """Wait until the bundle is open, and return what :func:`forkserver.describe` says of it.

        Raises
        ------
        ModelError
            If the bundle cannot be used, or if it crashed or stopped the process that opened it.
        """
        self._socket.settimeout(limits.OPEN_SECONDS + _FORK_SECONDS)
        try:
            reply, _ = wire.receive(self._socket)
        except (EOFError, OSError):
            self.close()
            raise ModelError(
                f"{self._folder}: opening it ended or stopped the process that tried "
                f"({self._ending()}); export the model again"
            ) from None
        self._socket.settimeout(_FORK_SECONDS)
        if "error" in reply:
            self.close()
            raise ModelError(reply["error"])
        model: dict[str, Any] = reply["model"]
        return model

    def fork(self) -> "Worker":
        """Fork a worker.

        Raises
        ------
        OSError
            If the fork server has ended, or does not answer.
        """
        ours, theirs = socket.socketpair()
        # Room for a clip, which is then sent at once. The system may give less.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        with theirs, self._lock:
            try:
                socket.send_fds(self._socket, [b"fork"], [theirs.fileno()])
                pid = self._socket.recv(4, socket.MSG_WAITALL)
            except OSError:
                ours.close()
                raise
        if len(pid) < 4:
            ours.close()
            raise ConnectionError("the fork server has ended")
        return Worker(self, ours, int.from_bytes(pid, "big"))

    def end(self, pid: int) -> None:
        """End a worker at once, if it has not ended."""
        try:
            self._socket.sendall(pid.to_bytes(4, "big"))
        except OSError:  # it was closed; the worker ends with its connection or by its time limit
            return

    def close(self) -> None:
        """Fork no more workers. The process ends after its last worker."""
        self._socket.close()
        self._process.poll()

    def wait(self) -> None:
        """Wait until the process, which was closed, has ended; end it if that takes long."""
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        self._process.kill()
        self.close()

    def _ending(self) -> str:
        try:
            return f"exit status {self._process.wait(1)}"
        except subprocess.TimeoutExpired:
            self._process.kill()
            return f"after {limits.OPEN_SECONDS} s"


class Worker:
    """One worker process, seen from the service.

    Attributes
    ----------
    server : ForkServer
        The process that forked it.
    pid : int
    """

    def __init__(self, server: ForkServer, connection: socket.socket, pid: int) -> None:
        self.server = server
        self.pid = pid
        self._exchange = Exchange(connection)

    async def judge(self, job: wire.Fields, content: Sequence[wire.Buffer]) -> wire.Fields:
        """Let the worker judge a recording.

        Raises as :meth:`stethoscope.serve.exchange.Exchange.ask`.
        """
        return await self._exchange.ask(job, content)

    async def is_idle_within(self, seconds: float) -> bool:
        """Return whether the worker completes in time what it was asked, if that was cancelled."""
        return await self._exchange.is_answered_within(seconds)

    def is_alive(self) -> bool:
        """Return whether the process, which is idle, has not ended."""
        return self._exchange.is_alive()

    def end(self) -> None:
        """End the process at once."""
        self._exchange.close()
        self.server.end(self.pid)
