"""The key of a machine, ``fan/00``: its type and its id, because ids repeat across types."""

from collections.abc import Iterable, Sequence

_SEPARATOR = "/"
_MOST_NAMES = 6


def machine_key(machine_type: str, machine_id: str) -> str:
    """Return the key of a machine; either part may be empty."""
    return f"{machine_type}{_SEPARATOR}{machine_id}"


def split_key(machine: str) -> tuple[str, str]:
    """Return the type and the id of a machine's key; without a separator it is all type."""
    machine_type, _, machine_id = machine.partition(_SEPARATOR)
    return machine_type, machine_id


def type_of(machine: str) -> str:
    """Return the type in a machine's key: ``fan`` of ``fan/00``."""
    return split_key(machine)[0]


def types_of(machines: Iterable[str]) -> list[str]:
    """Return the types of machines, sorted, each once."""
    return sorted({type_of(machine) for machine in machines})


def format_machine(machine: str) -> str:
    """Return a machine for people: ``fan/00``, and ``fan`` where no id is known."""
    return machine.strip(_SEPARATOR) or "machine unknown"


def format_machines(machines: Sequence[str], text: str) -> str:
    """Return one line for a text that holds for several machines, ``fan/00, fan/02: text``.

    Only the first machines of a long list are named.
    """
    more = len(machines) - _MOST_NAMES
    names = ", ".join(map(format_machine, machines[:_MOST_NAMES]))
    names += f" and {more} more" if more > 0 else ""
    return f"{names}: {text}"
