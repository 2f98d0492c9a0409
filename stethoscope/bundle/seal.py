"""The end of ``bundle.json``: the digest of everything before it, and a signature if there is one.

The last entries of the file are::

      "signature": "9c1f...",
      "sha256": "5ab0..."
    }

``sha256`` is the SHA-256 of all bytes before the comma that precedes it; ``signature``, which may
be absent, is the Ed25519 signature of all bytes before its own. Since the digests of all other
files stand in ``bundle.json``, the one digest covers the whole bundle, and the file is replaced in
one step.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stethoscope.files import parse_json

DIGEST, SIGNATURE = "sha256", "signature"

Sign = Callable[[bytes], bytes]
"""Returns the signature of a message."""

_DIGEST_END = re.compile(rb',\n  "sha256": "([0-9a-f]{64})"\n}\n\Z')
_SIGNATURE_END = re.compile(rb',\n  "signature": "([0-9a-f]{128})"\Z')


@dataclass(frozen=True, slots=True)
class Seal:
    """What ``bundle.json`` holds.

    Attributes
    ----------
    entries : dict
        Without digest and signature.
    digest : str
        Empty where an earlier version wrote none.
    signature : bytes
        Empty where there is none.
    signed : bytes
        The message that the signature is of.
    """

    entries: dict[str, Any]
    digest: str
    signature: bytes
    signed: bytes


def seal(entries: Mapping[str, Any], sign: Sign | None = None) -> bytes:
    """Return the content of ``bundle.json`` with its digest, and with a signature if wanted.

    Parameters
    ----------
    entries : mapping of str to Any
        JSON values; NaN and infinity are refused.
    sign : callable, optional
    """
    plain = {name: value for name, value in entries.items() if name not in (DIGEST, SIGNATURE)}
    content = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False).encode()
    content = content.removesuffix(b"\n}")
    if sign is not None:
        content += f',\n  "{SIGNATURE}": "{sign(content).hex()}"'.encode()
    return content + f',\n  "{DIGEST}": "{hashlib.sha256(content).hexdigest()}"\n}}\n'.encode()


def unseal(content: bytes) -> Seal:
    """Return what the content of ``bundle.json`` holds, after a check of its digest.

    Raises
    ------
    ValueError
        If it is no JSON object, or was altered.
    """
    entries = parse_json(content)
    digest, signature, signed = "", b"", b""
    if end := _DIGEST_END.search(content):
        digest = end[1].decode()
        covered = content[: end.start()]
        if hashlib.sha256(covered).hexdigest() != digest:
            raise ValueError("it is not what its digest was computed from")
        if inner := _SIGNATURE_END.search(covered):
            signature, signed = bytes.fromhex(inner[1].decode()), covered[: inner.start()]
    elif DIGEST in entries or SIGNATURE in entries:
        raise ValueError("its digest is damaged")
    plain = {name: value for name, value in entries.items() if name not in (DIGEST, SIGNATURE)}
    return Seal(plain, digest, signature, signed)
