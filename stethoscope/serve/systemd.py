"""Telling systemd that the service is ready, and regularly that it still works."""

import asyncio
import os
import socket


def notify(state: str) -> None:
    """Send a state to systemd, such as ``READY=1``; without systemd, do nothing.

    References
    ----------
    The manual page sd_notify(3).
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # a name without a file
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        channel.sendall(state.encode())


async def watch_forever() -> None:
    """Report at half the interval of systemd's watchdog that the event loop runs.

    Without a watchdog, it returns at once.
    """
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal():
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(int(microseconds) / 2e6)
