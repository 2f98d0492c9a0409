"""Simulated data sets: ``simulated/<machine>?option=value&...``."""

import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from stethoscope.datasets.download.placing import safe_name
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.bells import simulate_bells
from stethoscope.datasets.simulator.sounds import simulate_sounds
from stethoscope.errors import ParameterError, shown

_LABELLED: dict[str, Callable[..., None]] = {"bells": simulate_bells, "sounds": simulate_sounds}
"""The simulated sets with labels, which have simulators of their own."""


def simulate(address: str, folder: Path, seed: int) -> Path:
    """Simulate a data set into a folder and return the path of the archive.

    Raises
    ------
    ParameterError
        If the simulator has no such option, or cannot work with a value.
    """
    machine = _machine(address)
    options: dict[str, typing.Any] = {"seed": seed} | simulator_options(address)
    if machine in _LABELLED:
        target = folder / f"{machine}.zip"
        _LABELLED[machine](target, **options)
        return target
    options.setdefault("snr_db", 0.0)
    # Archives of MIMII carry the signal-to-noise ratio in their name only.
    target = folder / safe_name(f"{options['snr_db']:g}_dB_{machine}.zip")
    simulate_archive(target, machine=machine, **options)
    return target


def simulator_options(address: str) -> dict[str, typing.Any]:
    """Parse the query of an address by the types of the simulator's own parameters.

    Raises
    ------
    ParameterError
        If the simulator has no such option, or a value is not a number where one is needed.
    """
    simulator: Callable[..., object] = _LABELLED.get(_machine(address), simulate_archive)
    types = typing.get_type_hints(simulator)
    known = [
        name for name in inspect.signature(simulator).parameters if name not in ("path", "machine")
    ]
    options: dict[str, typing.Any] = {}
    for name, text in parse_qsl(urlsplit(address).query, keep_blank_values=True):
        if name not in known:
            raise ParameterError(
                f"{address}: the simulator has no option {shown(name)}; it has {', '.join(known)}"
            )
        try:
            options[name] = _parsed(text, types[name])
        except ValueError as error:
            raise ParameterError(f"{address}: {name} is {shown(text)}; give a number") from error
    return options


def _machine(address: str) -> str:
    return urlsplit(address).path.removeprefix("simulated/")


def _parsed(text: str, hint: object) -> int | float | str:
    kinds = {hint, *typing.get_args(hint)}
    return int(text) if int in kinds else float(text) if float in kinds else text
