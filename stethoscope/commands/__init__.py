"""The commands of ``stethoscope``, by what they deal with. Each module has ``register``, which adds
its commands to the parser.
"""

import argparse
from typing import Protocol


class Add(Protocol):
    """Adds a command to the parser: its name, the function that carries it out and returns the exit
    status, and what it does.
    """

    def __call__(self, name: str, command: "Command", text: str) -> argparse.ArgumentParser: ...


class Command(Protocol):
    """Carries a command out and returns the exit status."""

    def __call__(self, options: argparse.Namespace) -> int: ...
