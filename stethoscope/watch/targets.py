"""Where messages about alarms are sent: a web address, an MQTT topic, a program."""

import json
import os
import queue
import shlex
import subprocess
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

from stethoscope.errors import ParameterError, StethoscopeError

TIMEOUT_SECONDS = 20.0
"""Longest time that one delivery may take, in seconds."""

_MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


class DeliveryError(StethoscopeError):
    """A message could not be delivered."""


class Target(Protocol):
    """Something that takes messages."""

    name: str

    def send(self, body: Mapping[str, Any]) -> None:
        """Deliver a message.

        Raises
        ------
        DeliveryError
            If it was not taken.
        """


class Webhook:
    """Sends messages as JSON in POST requests.

    Parameters
    ----------
    address : str
        An http or https address.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ParameterError(
                f"--webhook is {address!r}; give an http or https address that takes POST requests"
            )
        self._address = address
        self.name = f"webhook {_without_secrets(address)}"

    def send(self, body: Mapping[str, Any]) -> None:
        """Send a POST request; any status from 200 to 299 is a delivery."""
        import requests

        try:
            answer = requests.post(
                self._address, json=dict(body), timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise DeliveryError(f"{type(error).__name__}") from error
        if not 200 <= answer.status_code < 300:
            raise DeliveryError(f"status {answer.status_code}")


class Mqtt:
    """Publishes messages as JSON with quality of service 1.

    Parameters
    ----------
    address : str
        ``mqtt://broker:1883/topic``, or ``mqtts://`` with TLS. Name and password may stand before
        the broker.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._topic = unquote(parts.path.lstrip("/"))
        if (
            parts.scheme not in _MQTT_PORTS
            or not parts.hostname
            or not self._topic
            or set(self._topic) & set("+#")
        ):
            raise ParameterError(
                f"--mqtt is {address!r}; give an address such as mqtt://broker:1883/plant/pump"
            )
        self._host, self._tls = parts.hostname, parts.scheme == "mqtts"
        self._port = parts.port or _MQTT_PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self.name = f"mqtt {_without_secrets(address)}"

    def send(self, body: Mapping[str, Any]) -> None:
        """Publish once; the broker's acknowledgement is the delivery."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(CallbackAPIVersion.VERSION2)
        if self._tls:
            client.tls_set()
        if self._user:
            client.username_pw_set(self._user, self._password)
        client.connect_timeout = TIMEOUT_SECONDS
        answers: queue.Queue[Any] = queue.Queue()

        def connected(_: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
            answers.put(reason)

        client.on_connect = connected
        try:
            client.connect(self._host, self._port)
            client.loop_start()
            reason = answers.get(timeout=TIMEOUT_SECONDS)
            if reason.is_failure:
                raise DeliveryError(f"the broker refuses: {reason}")
            sent = client.publish(self._topic, json.dumps(body), qos=1)
            sent.wait_for_publish(TIMEOUT_SECONDS)
            if not sent.is_published():
                raise DeliveryError("the broker acknowledges nothing")
        except queue.Empty as error:
            raise DeliveryError("the broker does not answer") from error
        except (OSError, ValueError, RuntimeError) as error:
            raise DeliveryError(str(error)) from error
        finally:
            client.disconnect()
            client.loop_stop()


class Command:
    """Runs a program with each message as JSON on its standard input.

    Parameters
    ----------
    line : str
        The program and its arguments, as in a shell; no shell is used.
    """

    def __init__(self, line: str) -> None:
        try:
            self._arguments = shlex.split(line)
        except ValueError as error:
            raise ParameterError(f"--command is {line!r}; {error}") from error
        if not self._arguments:
            raise ParameterError("--command is empty; give a program and its arguments")
        self.name = f"command {self._arguments[0]}"

    def send(self, body: Mapping[str, Any]) -> None:
        """Run the program; exit status 0 is a delivery."""
        try:
            done = subprocess.run(  # noqa: S603  # the operator chose the program
                self._arguments,
                input=json.dumps(body, ensure_ascii=False).encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=TIMEOUT_SECONDS,
                check=False,
                env=dict(os.environ),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DeliveryError(str(error)) from error
        if done.returncode:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise DeliveryError(": ".join([f"exit status {done.returncode}", *last]))


def _without_secrets(address: str) -> str:
    """Return an address without name, password and query, which may hold a key."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
