"""Signatures of bundles: Ed25519, with keys as OpenSSL writes them.

A digest shows that a bundle is what was exported; a signature shows who exported it. Keys are made
by ``openssl genpkey -algorithm ed25519 -out private.pem`` and
``openssl pkey -in private.pem -pubout -out public.pem``.
"""

import os
from pathlib import Path
from typing import Any

from stethoscope.bundle.seal import Seal, Sign
from stethoscope.errors import ModelError, ParameterError

_MAKE_PRIVATE = "openssl genpkey -algorithm ed25519 -out {path}"
_MAKE_PUBLIC = "openssl pkey -in PRIVATE_KEY -pubout -out {path}"


def read_private_key(path: str | os.PathLike[str]) -> Sign:
    """Return the function that signs with the private key in a PEM file.

    Raises
    ------
    ParameterError
        If the file is missing or holds no private key of Ed25519.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key: Any = load_pem_private_key(_content(path), password=None)
    except TypeError as error:
        raise ParameterError(
            f"{path}: the key is encrypted; give it without a password "
            f"(`openssl pkey -in {path} -out PLAIN_KEY`)"
        ) from error
    except ValueError as error:
        raise _no_key(path, "private", _MAKE_PRIVATE) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "private", _MAKE_PRIVATE)
    return key.sign


def check_signature(folder: Path, seal: Seal, public_key: str | os.PathLike[str]) -> None:
    """Check the signature of a bundle with the public key in a PEM file.

    Parameters
    ----------
    folder : Path
        The bundle, for messages.
    seal : Seal
        Of its manifest.
    public_key : path

    Raises
    ------
    ModelError
        If the bundle has no signature, or one by another key.
    ParameterError
        If the file is missing or holds no public key of Ed25519.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key: Any = load_pem_public_key(_content(public_key))
    except ValueError as error:
        raise _no_key(public_key, "public", _MAKE_PUBLIC) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(public_key, "public", _MAKE_PUBLIC)
    if not seal.signature:
        raise ModelError(
            f"{folder}: has no signature; whoever exported it signs it by "
            f"`stethoscope verify {folder} --sign PRIVATE_KEY`"
        )
    try:
        key.verify(seal.signature, seal.signed)
    except InvalidSignature as error:
        raise ModelError(
            f"{folder}: was not signed with the key that belongs to {public_key}; "
            "copy the bundle again from whoever exported it"
        ) from error


def _content(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ParameterError(f"{path}: no such file; give a key in a PEM file") from error


def _no_key(path: str | os.PathLike[str], which: str, make: str) -> ParameterError:
    return ParameterError(
        f"{path}: holds no {which} key of Ed25519; make one by `{make.format(path=path)}`"
    )
