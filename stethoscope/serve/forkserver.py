"""The fork server: a process that opens a bundle once and forks the workers that judge with it.

The service starts it as ``python -m stethoscope.serve.forkserver FD FOLDER KEY SECONDS ROLE`` and
talks to it over the socket FD. ROLE is that of the model that decides, or empty. Opening a bundle
runs the network's runtime on files of unknown origin, and can crash or hang: that ends this
process, never the service. Forked workers share its memory.
"""

import os
import resource
import signal
import socket
import sys
from typing import Any

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.bundle.trial import limit_resources, try_bundle
from stethoscope.errors import StethoscopeError
from stethoscope.serve import wire
from stethoscope.serve.memory import return_large_buffers, settle_memory
from stethoscope.serve.worker import work
from stethoscope.system import explain


def main() -> None:
    """Open the bundle, report it, and fork a worker per command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service decides when it ends
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return_large_buffers()
    connection = socket.socket(fileno=int(sys.argv[1]))
    folder, key, seconds, decider = sys.argv[2:]
    signal.alarm(int(seconds))
    limit_resources(seconds=int(seconds))
    try:
        bundle = Bundle.open(folder, public_key=key or None)
        try_bundle(bundle)
        inference = Inference(bundle, decider=decider)
        wire.send(connection, {"model": describe(inference)})
    # The service reports what is wrong with the bundle, whatever it is.
    except Exception as error:
        known = str(error) if isinstance(error, StethoscopeError) else explain(error)
        message = known or repr(error)
        wire.send(connection, {"error": message})
        return
    signal.alarm(0)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))
    settle_memory()
    _serve(connection, inference)


def describe(inference: Inference) -> dict[str, Any]:
    """Return what the service reports about a model, as JSON values."""
    bundle = inference.bundle
    detector = bundle.detector if "detector" in bundle.models else None
    feature = bundle.models[inference.role].feature
    return {
        "name": bundle.name,
        "roles": list(bundle.models),
        "decider": inference.role,
        "detector": detector.kind if detector else None,
        "machines": bundle.manifest["machines"],
        "labels": bundle.manifest["labels"],
        "sample_rate": feature.sample_rate,
        "min_seconds": inference.min_seconds,
    }


def _serve(connection: socket.socket, inference: Inference) -> None:
    """Fork a worker for each socket that arrives, and end those whose number arrives.

    A worker that has ended stays a zombie until the service names it, so that its number is never
    that of another process. Workers end by themselves when the service closes their sockets.
    """
    while True:
        content, sockets, _, _ = socket.recv_fds(connection, 4, 1)
        if not content:
            break
        if sockets:
            connection.sendall(_fork(connection, sockets[0], inference).to_bytes(4, "big"))
        else:
            _end(int.from_bytes(content, "big"))
    connection.close()
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def _fork(connection: socket.socket, descriptor: int, inference: Inference) -> int:
    pid = os.fork()
    if pid:
        os.close(descriptor)
        return pid
    try:
        connection.close()
        work(socket.socket(fileno=descriptor), inference)
    finally:
        os._exit(0)


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):  # it was ended before
        return


if __name__ == "__main__":
    main()
