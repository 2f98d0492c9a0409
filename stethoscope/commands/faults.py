"""The command that names the faults of a bundle."""

import argparse
from collections.abc import Sequence

from stethoscope.commands import Add
from stethoscope.commands.answers import add_bundle
from stethoscope.commands.verify import add_sign_option
from stethoscope.errors import ParameterError


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("label", _label, "name the faults of a bundle, or show them")
    add_bundle(one)
    one.add_argument(
        "names",
        nargs="*",
        metavar="FAULT=NAME",
        help="such as 2=clogging; an empty name removes it; without any, the faults are shown",
    )
    one.add_argument(
        "--message",
        action="append",
        default=[],
        metavar="FAULT=TEXT",
        help="message of a verdict instead of the label; can be repeated",
    )
    add_sign_option(one, "sign the changed bundle")


def _label(options: argparse.Namespace) -> int:
    from stethoscope.bundle.edit import name_faults
    from stethoscope.bundle.signature import read_private_key
    from stethoscope.bundle.trial import open_tried

    bundle = open_tried(options.bundle)
    if bundle.diagnosis is None or options.names or options.message:
        sign = read_private_key(options.sign) if options.sign else None
        bundle = name_faults(bundle, _numbered(options.names), _numbered(options.message), sign)
    groups = bundle.manifest["metrics"].get("diagnosis", {}).get("groups", [])
    labels = bundle.diagnosis.labels[1:] if bundle.diagnosis else ()
    for number, label in enumerate(labels):
        message = bundle.messages.get(label)
        print(label if message is None else f"{label}, message {message!r}")
        for path in groups[number]["typical"] if number < len(groups) else ():
            print(f"    {path}")
    return 0


def _numbered(assignments: Sequence[str]) -> dict[int, str]:
    """Return texts of the form ``2=clogging`` by number."""
    found: dict[int, str] = {}
    for text in assignments:
        number, equals, name = text.partition("=")
        if not equals or not number.strip().isdecimal():
            raise ParameterError(
                f"{text!r} is not of the form FAULT=NAME; "
                "give the fault's number, such as 2=clogging"
            )
        if int(number) in found:
            raise ParameterError(f"fault {int(number)} is named twice; name it once")
        found[int(number)] = name
    return found
