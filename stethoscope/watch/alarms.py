"""When the decisions about a machine's recordings become an alarm, and when it ends."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stethoscope.errors import ParameterError

MOST_RECORDINGS = 1000
"""Most recordings that a rule may look at."""


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """An alarm is raised if `count` of the last `of` recordings of a machine are anomalous.

    It is cleared when the last `of` recordings are all normal. One odd recording therefore neither
    raises an alarm nor keeps one from being raised.

    Attributes
    ----------
    count, of : int
    """

    count: int = 3
    of: int = 5

    def __post_init__(self) -> None:
        if not 1 <= self.count <= self.of <= MOST_RECORDINGS:
            raise ParameterError(
                f"--alarm is {self.count}/{self.of}; give a count and a larger or equal number of"
                f" recordings, at most {MOST_RECORDINGS}, such as 3/5"
            )

    @classmethod
    def parse(cls, text: str) -> "AlarmRule":
        """Read a rule such as ``3/5``.

        Raises
        ------
        ParameterError
            If it is not one.
        """
        match = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
        if match is None:
            raise ParameterError(f"--alarm is {text!r}; give two numbers such as 3/5")
        return cls(int(match[1]), int(match[2]))

    def alarm(self, decisions: Sequence[bool], *, active: bool) -> bool:
        """Return whether there is an alarm after the last of these decisions.

        Parameters
        ----------
        decisions : sequence of bool
            Whether each recording is anomalous, the last one last; only the last `of` count.
        active : bool
            Whether there was an alarm before the last decision.
        """
        recent = decisions[-self.of :]
        if active:
            return len(recent) < self.of or any(recent)
        return sum(recent) >= self.count
