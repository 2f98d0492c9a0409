import hashlib
import json

import pytest

from stethoscope.bundle.seal import seal, unseal

ENTRIES = {"schema_version": 3, "name": "Lüfter", "files": {"a": "0" * 64}}


def test_digest_is_that_of_all_bytes_before_its_line() -> None:
    content = seal(ENTRIES)
    before, _, line = content.rpartition(b',\n  "sha256": "')
    assert hashlib.sha256(before).hexdigest().encode() == line[:64]
    assert json.loads(content) == {**ENTRIES, "sha256": unseal(content).digest}
    assert unseal(content).entries == ENTRIES


def test_signature_is_of_all_bytes_before_its_line_and_covered_by_the_digest() -> None:
    messages = []

    def sign(message: bytes) -> bytes:
        messages.append(message)
        return bytes(range(64))

    content = seal(ENTRIES, sign)
    sealed = unseal(content)
    assert sealed.signature == bytes(range(64))
    assert [sealed.signed] == messages
    assert content.startswith(sealed.signed)
    assert json.loads(sealed.signed + b"}") == ENTRIES
    assert unseal(seal(json.loads(content))).signature == b"", "a new seal does not keep it"


def test_every_altered_bit_is_refused() -> None:
    for content in (seal(ENTRIES), seal(ENTRIES, lambda _: b"x" * 64)):
        for bit in range(8 * len(content)):
            altered = bytearray(content)
            altered[bit // 8] ^= 1 << bit % 8
            try:
                found = unseal(bytes(altered))
            except ValueError:
                continue
            # The digest's own name was altered: the manifest of schema 3 then has none.
            assert not found.digest
            assert found.entries["schema_version"] == 3


def test_content_without_a_digest_is_read_as_it_is() -> None:
    sealed = unseal(json.dumps(ENTRIES).encode())
    assert (sealed.entries, sealed.digest, sealed.signature) == (ENTRIES, "", b"")
    with pytest.raises(ValueError, match="digest is damaged"):
        unseal(seal(ENTRIES).rstrip())
