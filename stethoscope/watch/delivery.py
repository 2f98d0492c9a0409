"""Delivery of messages from the history to their targets, with retries."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from stethoscope.progress import warn
from stethoscope.watch.history import History
from stethoscope.watch.targets import DeliveryError, Target

FIRST_DELAY = 5.0
"""Seconds from a failed delivery to the next; each further one waits twice as long."""

LONGEST_DELAY = 3600.0
"""Longest time between two deliveries, in seconds."""

_IDLE_SECONDS = 1.0
_LONGEST_JOIN = 30.0


class Delivery(threading.Thread):
    """Sends the messages of a history as they become due.

    A message stays in the history until its target has taken it. Its target may get it twice, if
    the program ends between the delivery and the note of it; the body has an `id` by which to tell.

    Parameters
    ----------
    history : Path
    targets : sequence of Target
    """

    def __init__(self, history: Path, targets: Sequence[Target]) -> None:
        super().__init__(name="delivery", daemon=True)
        self._path = history
        self._targets = {target.name: target for target in targets}
        self._stopped = threading.Event()
        self._warned: set[str] = set()

    def finish(self) -> None:
        """Try once more what is due, and end; what was not delivered stays in the history."""
        self._stopped.set()
        if self.is_alive():
            self.join(_LONGEST_JOIN)

    def run(self) -> None:
        """Send until stopped."""
        with History(self._path) as history:
            while not self._stopped.wait(_IDLE_SECONDS):
                self.send_due(history)
            self.send_due(history)

    def send_due(self, history: History) -> int:
        """Send what is due, and return how many messages were delivered."""
        delivered = 0
        for message in history.due(time.time(), longest_delay=LONGEST_DELAY):
            target = self._targets.get(message.target)
            if target is None:
                continue  # a target of an earlier call: its messages wait until it is given again
            try:
                target.send({**message.body, "id": f"{self._path.stem}-{message.number}"})
            except DeliveryError as error:
                delay = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(message.attempts, 20))
                history.delivered(message.number, error=str(error), retry_at=time.time() + delay)
                if target.name not in self._warned:
                    self._warned.add(target.name)
                    warn(f"{target.name}: {error}; the message is kept and sent again")
            else:
                history.delivered(message.number)
                self._warned.discard(target.name)
                delivered += 1
        return delivered
