import signal
import socket
from pathlib import Path

from tests.serve.helpers import metric, noise, serving, wait, wav


def is_listening(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=10).close()
    except ConnectionError:
        return False
    return True


def test_signal_ends_the_service_after_open_requests_are_answered(fan_bundle: Path) -> None:
    content = wav(noise())
    head = (
        "POST /inference HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    with serving(fan_bundle) as running:
        host, port = running.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(head.encode() + content[:100])
            wait(lambda: metric(running.url, "stethoscope_places_taken") == 1)
            running.process.send_signal(signal.SIGTERM)
            wait(lambda: not is_listening((host, int(port))))
            client.sendall(content[100:])
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"Probabilities" in answer
        assert running.process.wait(20) == -signal.SIGTERM
