import json
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stethoscope.errors import ParameterError
from stethoscope.watch import delivery
from stethoscope.watch.delivery import Delivery
from stethoscope.watch.history import History
from stethoscope.watch.targets import Command, DeliveryError, Mqtt, Webhook
from tests.watch.conftest import judged

BODY = {"event": "raised", "machine": "fan/00", "text": "fan/00: drei von fünf"}


class Receiver(BaseHTTPRequestHandler):
    statuses: list[int]
    bodies: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.bodies.append(json.loads(body))
        self.send_response(self.statuses.pop(0) if self.statuses else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    kind = type("OneReceiver", (Receiver,), {"statuses": [], "bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/alarm?key=secret", kind
        server.shutdown()


def test_webhook_gets_the_message_and_errors_are_delivery_errors(
    receiver: tuple[str, type[Receiver]],
) -> None:
    address, kind = receiver
    target = Webhook(address)
    assert "secret" not in target.name
    target.send(BODY)
    assert kind.bodies == [BODY]
    kind.statuses += [500, 302]
    for status in ("500", "302"):
        with pytest.raises(DeliveryError, match=f"status {status}"):
            target.send(BODY)
    with pytest.raises(DeliveryError, match="ConnectionError"):
        Webhook("http://127.0.0.1:1/x").send(BODY)


def test_command_gets_the_message_on_standard_input(tmp_path: Path) -> None:
    script = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    out = tmp_path / "out with blank.json"
    Command(f"{sys.executable} -c \"{script}\" '{out}'").send(BODY)
    assert json.loads(out.read_text()) == BODY
    failing = "import sys; print('boom', file=sys.stderr); sys.exit(3)"
    with pytest.raises(DeliveryError, match="exit status 3: boom"):
        Command(f'{sys.executable} -c "{failing}"').send(BODY)
    with pytest.raises(DeliveryError, match="No such file"):
        Command("/absent/program").send(BODY)


class Broker(threading.Thread):
    """The part of MQTT 3.1.1 that a publisher needs: CONNACK and PUBACK (OASIS, chapter 3)."""

    def __init__(self, *, accept: bool = True) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accept = accept
        self.port = self._listener.getsockname()[1]
        self.published: list[tuple[str, bytes]] = []

    def run(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rb") as file:
            while kind := file.read(1):
                content = file.read(self._length(file))
                if kind[0] >> 4 == 1:
                    connection.sendall(bytes([0x20, 2, 0, 0 if self._accept else 5]))
                elif kind[0] >> 4 == 3:
                    size = struct.unpack(">H", content[:2])[0]
                    topic, rest = content[2 : 2 + size].decode(), content[2 + size :]
                    assert kind[0] & 0x06 == 0x02  # quality of service 1
                    self.published.append((topic, rest[2:]))
                    connection.sendall(bytes([0x40, 2]) + rest[:2])

    @staticmethod
    def _length(file: Any) -> int:
        value, shift = 0, 0
        while True:
            (byte,) = file.read(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


def test_mqtt_message_is_acknowledged_by_the_broker() -> None:
    broker = Broker()
    broker.start()
    target = Mqtt(f"mqtt://user:secret@127.0.0.1:{broker.port}/plant/pump%201")
    assert "secret" not in target.name
    target.send(BODY)
    ((topic, body),) = broker.published
    assert topic == "plant/pump 1"
    assert json.loads(body) == BODY


def test_broker_that_refuses_or_is_absent_gives_a_delivery_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stethoscope.watch.targets.TIMEOUT_SECONDS", 1.0)
    broker = Broker(accept=False)
    broker.start()
    with pytest.raises(DeliveryError, match=r"[Nn]ot authorized"):
        Mqtt(f"mqtt://127.0.0.1:{broker.port}/plant").send(BODY)
    with pytest.raises(DeliveryError, match="refused"):
        Mqtt("mqtt://127.0.0.1:1/plant").send(BODY)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Webhook, "ftp://host/x"),
        (Webhook, "hook"),
        (Mqtt, "mqtt://broker"),
        (Mqtt, "http://broker/topic"),
        (Mqtt, "mqtt://broker/a/+"),
        (Command, ""),
        (Command, "a 'b"),
    ],
)
def test_addresses_that_cannot_work_are_refused(kind: Any, text: str) -> None:
    with pytest.raises(ParameterError, match=r"--(webhook|mqtt|command) is"):
        kind(text)


def test_message_is_kept_until_its_target_takes_it(
    history: History,
    receiver: tuple[str, type[Receiver]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    address, kind = receiver
    target = Webhook(address)
    now = 1_770_100_000.0
    monkeypatch.setattr(delivery.time, "time", lambda: now)
    history.add(judged(1, anomaly=True), alarm=True, messages=[(target.name, BODY)])
    sender = Delivery(history.path, [target])
    kind.statuses += [503, 503]
    waits = []
    while not sender.send_due(history):
        before = now
        while not history.due(now):
            now += 1.0
        waits.append(now - before)
    assert waits == [5.0, 10.0]
    assert [body["id"] for body in kind.bodies] == 3 * ["history-1"]
    assert history.undelivered() == []
    history.add(judged(2, anomaly=True), messages=[("webhook of yesterday", BODY)])
    assert sender.send_due(history) == 0
    assert history.undelivered() == [("webhook of yesterday", 1, "")]
    assert capsys.readouterr().err.count("status 503; the message is kept and sent again") == 1
