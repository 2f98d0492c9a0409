"""The commands of ``stethoscope``, grouped by subject.

Each module has a function ``register``, which adds its commands to the parser.
"""

import argparse
from typing import Protocol


class Command(Protocol):
    """A function that executes a command."""

    def __call__(self, options: argparse.Namespace) -> int:
        """Execute the command with the parsed options, and return the exit status."""


class Add(Protocol):
    """A function that adds a command to the parser."""

    def __call__(self, name: str, command: Command, text: str) -> argparse.ArgumentParser:
        """Add a command by its name, its function and its help text, and return its parser."""
