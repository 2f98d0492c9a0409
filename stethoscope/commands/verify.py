"""The command ``verify``: check a bundle, and sign it."""

import argparse
import os
from pathlib import Path

from stethoscope.commands import Add
from stethoscope.commands.answers import add_bundle
from stethoscope.terminal import coloured, print_json


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("verify", _verify, "check that a bundle is as it was exported, and sign it")
    add_bundle(one)
    one.add_argument(
        "--key", type=Path, metavar="PUBLIC_KEY", help="key that the bundle must be signed with"
    )
    add_sign_option(one, "sign the bundle afterwards")
    one.add_argument("--json", action="store_true", help="print JSON")
    one.epilog = (
        "Keys are of Ed25519, in PEM files: openssl genpkey -algorithm ed25519 -out PRIVATE_KEY; "
        "openssl pkey -in PRIVATE_KEY -pubout -out PUBLIC_KEY"
    )


def add_sign_option(parser: argparse.ArgumentParser, text: str) -> None:
    """Add the option ``--sign`` to a command that writes a bundle's manifest."""
    parser.add_argument("--sign", type=Path, metavar="PRIVATE_KEY", help=text)


def _verify(options: argparse.Namespace) -> int:
    from stethoscope.bundle.edit import sign_bundle
    from stethoscope.bundle.signature import read_private_key
    from stethoscope.bundle.trial import try_in_process

    sign = read_private_key(options.sign) if options.sign else None
    if sign:
        try_in_process(options.bundle)
        sign_bundle(options.bundle, sign)
    found = try_in_process(options.bundle, public_key=options.key)
    if options.json:
        print_json({"bundle": str(options.bundle), **found})
        return 0
    machines = ", ".join(found["machines"])
    judged = f"judged as {machines}" if machines else "judged"
    lines = {
        options.bundle: f"{found['name']}, {found['files']} files as they were exported",
        "manifest": _coverage(found),
        "signature": _signature(found, options.key),
        "golden sounds": f"computed as when exported, {judged} ({', '.join(found['roles'])})",
    }
    doubts = {
        "manifest": not found["digest"],
        "signature": found["signed"] and not options.key,
    }
    for name, text in lines.items():
        style = "yellow" if doubts.get(name) else "green"
        print(f"{coloured(str(name), style)}: {text}")
    return 0


def _coverage(found: dict[str, object]) -> str:
    if found["digest"]:
        return f"as it was written, sha256 {found['digest']}"
    return (
        f"of schema {found['schema_version']}, which has no digest: an altered threshold or name "
        "would not be noticed; export the model again, or sign the bundle with --sign"
    )


def _signature(found: dict[str, object], key: Path | None) -> str:
    if key:
        return f"by the key that belongs to {os.fspath(key)}"
    return "not checked; give its public key with --key" if found["signed"] else "none"
