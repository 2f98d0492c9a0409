import hashlib
from pathlib import Path

from stethoscope.datasets.download.fetched import Fetched


def test_file_is_described_and_its_md5_computed_unless_given(tmp_path: Path) -> None:
    path = tmp_path / "fan.zip"
    path.write_bytes(b"content")
    computed = Fetched.of(path, "https://example.org/fan.zip")
    assert (computed.name, computed.bytes) == ("fan.zip", 7)
    assert computed.md5 == hashlib.md5(b"content").hexdigest()  # compared, not secret
    assert Fetched.of(path, "https://example.org/fan.zip", md5="0" * 32).md5 == "0" * 32
