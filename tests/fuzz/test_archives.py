import io
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stethoscope.datasets.archives import open_archive
from stethoscope.errors import DatasetError
from tests.fuzz.common import altered, fuzzed, one_line, sounds

NAMES = ("fan/train/normal_id_00_00000000.wav", "fan/test/anomaly_id_00_00000001.wav", "a/b.txt")


@cache
def archives() -> tuple[bytes, ...]:
    """Return the same files as zips and tars, packed in different ways."""
    content = sounds()["WAV-PCM_16"]
    found = []
    for packing in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", packing) as archive:
            for name in NAMES:
                archive.writestr(name, content)
        found.append(buffer.getvalue())
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode=mode, format=form) as tar:  # type: ignore[call-overload]
                for name in NAMES:
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
            found.append(buffer.getvalue())
    return tuple(found)


def reads_or_refuses(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.zip"
        path.write_bytes(content)
        try:
            with open_archive(path) as archive:
                for member in archive.members():
                    assert not member.name.startswith("/")
                    assert ".." not in member.name.split("/")
                    assert len(archive.read(member.name)) == member.size
        except DatasetError as error:
            one_line(error)
        assert [one.name for one in Path(folder).iterdir()] == ["set.zip"]


@fuzzed
@given(altered(*archives()))
def test_altered_archive_is_read_or_refused_with_a_reason(content: bytes) -> None:
    reads_or_refuses(content)


NAME = st.text(max_size=30) | st.sampled_from(
    ("../out.wav", "/etc/x.wav", "a//b.wav", "a/./b.wav", "C:\\x.wav", "\0.wav", "x" * 300, ".wav")
)


@fuzzed
@given(
    names=st.lists(NAME, max_size=6),
    kinds=st.lists(st.sampled_from([*tarfile.SUPPORTED_TYPES]), min_size=6, max_size=6),
    link=NAME,
    as_zip=st.booleans(),
)
def test_any_member_is_read_or_refused_with_a_reason(
    names: list[str], kinds: list[bytes], link: str, as_zip: bool
) -> None:
    buffer = io.BytesIO()
    try:
        if as_zip:
            with zipfile.ZipFile(buffer, "w") as archive:
                for name in names:
                    archive.writestr(name, b"content")
        else:
            with tarfile.open(fileobj=buffer, mode="w") as tar:
                for name, kind in zip(names, kinds, strict=False):
                    info = tarfile.TarInfo(name)
                    info.type, info.linkname, info.size = kind, link, 7
                    tar.addfile(info, io.BytesIO(b"content"))
    except (ValueError, IndexError):  # no such archive can be written
        return
    reads_or_refuses(buffer.getvalue())
