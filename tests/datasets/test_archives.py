import bz2
import io
import random
import shutil
import struct
import subprocess
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stethoscope.datasets import archives
from stethoscope.datasets.archives import open_archive
from stethoscope.errors import DatasetError

FILES = {"fan/train/a.wav": b"first" * 400, "fan/test/b.wav": b"", "fan/table.csv": b"x,y\n"}
KINDS = ("zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "folder")


def write_zip(path: Path, files: dict[str, bytes], **options: object) -> Path:
    with zipfile.ZipFile(path, "w", **{"compression": zipfile.ZIP_DEFLATED} | options) as file:  # type: ignore[arg-type]
        for name, content in files.items():
            file.writestr(name, content)
    return path


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    mode = {"gz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}.get(path.name.rpartition(".")[2], "w")
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def write(kind: str, folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / f"set.{kind}"
    if kind == "zip":
        return write_zip(path, files)
    if kind.startswith("tar"):
        return write_tar(path, files)
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def listing(path: Path) -> list[str]:
    with open_archive(path) as archive:
        return [member.name for member in archive.members()]


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_listed_and_read_as_packed(kind: str, tmp_path: Path) -> None:
    with open_archive(write(kind, tmp_path, FILES)) as archive:
        assert {(member.name, member.size) for member in archive.members()} == {
            (name, len(content)) for name, content in FILES.items()
        }
        assert {member.name for member in archive.recordings()} == {
            "fan/train/a.wav",
            "fan/test/b.wav",
        }
        for name, content in reversed(FILES.items()):
            assert archive.read(name) == content
        assert dict(archive.stream(FILES)) == FILES


@pytest.mark.parametrize("kind", KINDS)
def test_requested_members_are_streamed_in_archive_order(kind: str, tmp_path: Path) -> None:
    files = {f"{name}.wav": name.encode() for name in "dbca"}
    with open_archive(write(kind, tmp_path, files)) as archive:
        order = [member.name for member in archive.members()]
        assert [name for name, _ in archive.stream(["a.wav", "d.wav", "b.wav"])] == [
            name for name in order if name != "c.wav"
        ]
        with pytest.raises(DatasetError, match=r"holds no nothing\.wav"):
            next(archive.stream(["nothing.wav"]))
        with pytest.raises(DatasetError, match=r"holds no nothing\.wav"):
            archive.read("nothing.wav")


def test_kind_is_determined_from_the_content(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "set.tar.gz", FILES)
    assert listing(path.rename(tmp_path / "set.zip")) == list(FILES)


def test_tar_that_ends_with_a_zip_is_a_tar(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "inner.zip", FILES)
    assert listing(write_tar(tmp_path / "outer.tar", {"inner.zip": inner.read_bytes()})) == [
        "inner.zip"
    ]


def test_zip64_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.zip"
    with zipfile.ZipFile(path, "w") as file, file.open("a.wav", "w", force_zip64=True) as member:
        member.write(b"content")
    # A Zip64 end record and locator, put in front of the plain one (APPNOTE 4.3.14, 4.3.15), as in
    # archives over 4 GiB.
    data = path.read_bytes()
    end = data.rindex(b"PK\5\6")
    size, offset = struct.unpack_from("<LL", data, end + 12)
    record = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    plain = struct.pack(
        "<4sHHHHLLH", b"PK\5\6", 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0
    )
    path.write_bytes(data[:end] + record + locator + plain)
    with open_archive(path) as archive:
        assert archive.read("a.wav") == b"content"


@pytest.mark.parametrize("kind", KINDS)
def test_dot_files_and_macosx_are_left_out(kind: str, tmp_path: Path) -> None:
    rubbish = {"__MACOSX/fan/._a.wav": b"x", ".git/b.wav": b"x", "fan/.DS_Store": b"x"}
    assert listing(write(kind, tmp_path, rubbish | {"fan/a.wav": b"x"})) == ["fan/a.wav"]


def test_names_get_forward_slashes(tmp_path: Path) -> None:
    assert listing(write_tar(tmp_path / "set.tar", {"./fan//a.wav": b"", "fan\\b.wav": b""})) == [
        "fan/a.wav",
        "fan/b.wav",
    ]


def test_links_are_left_out(tmp_path: Path) -> None:
    folder = write("folder", tmp_path, {"a.wav": b"x"})
    (folder / "secret.wav").symlink_to("/etc/hostname")
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    (folder / "notes.txt").symlink_to("/etc/hostname")
    assert listing(folder) == ["a.wav"]
    with open_archive(folder) as archive:
        assert archive.links() == ["secret.wav", "up"]
    with tarfile.open(tmp_path / "links.tar", "w") as file:
        file.add(folder, "set")
        hard = tarfile.TarInfo("set/hard.wav")
        hard.type, hard.linkname = tarfile.LNKTYPE, "/etc/hostname"
        file.addfile(hard)
    assert listing(tmp_path / "links.tar") == ["set/a.wav"]
    with open_archive(tmp_path / "links.tar") as archive:
        assert archive.links() == ["set/hard.wav", "set/secret.wav", "set/up"]
    link = zipfile.ZipInfo("secret.wav")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "links.zip", "w") as packed:
        packed.writestr(link, "/etc/hostname")
        packed.writestr("a.wav", b"x")
    assert listing(tmp_path / "links.zip") == ["a.wav"]
    with open_archive(tmp_path / "links.zip") as archive:
        assert archive.links() == ["secret.wav"]


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../up.wav",
        "fan/../../up.wav",
        "..\\up.wav",
        "C:\\up.wav",
        "\\\\host\\up.wav",
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_names_that_point_outside_are_refused(name: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="points outside the archive"):
        listing(write(kind, tmp_path, {"a.wav": b"", name: b""}))


def test_member_without_a_name_is_left_out(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"nameless.wav": b"x", "a.wav": b"y"})
    path.write_bytes(
        path.read_bytes().replace(b"nameless", b"\0ameless")
    )  # zipfile ends a name at its first NUL
    assert listing(path) == ["a.wav"]


def test_control_characters_and_duplicates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="control or undecodable"):
        listing(write_tar(tmp_path / "control.tar", {"a\x1b[2J.wav": b""}))
    with pytest.raises(DatasetError, match=r"holds 'a\.wav' twice"):
        listing(write_tar(tmp_path / "twins.tar", {"a.wav": b"1", "./a.wav": b"2"}))


def test_count_size_and_ratio_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = {f"{i}.wav": bytes(1 << 20) for i in range(8)}
    paths = [write(kind, tmp_path, bomb) for kind in ("zip", "tar.gz", "tar.bz2", "tar.xz")]
    monkeypatch.setattr(archives, "RATIO_ALLOWANCE", 0)
    for path in paths:
        with pytest.raises(DatasetError, match=r"too many for its size|bytes unpacked"):
            listing(path)
    monkeypatch.undo()
    for path in paths:
        assert len(listing(path)) == 8
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 1000)
    for path in paths:
        with pytest.raises(DatasetError, match=r"'0\.wav' has 1048576 bytes"):
            listing(path)
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MAX_MEMBERS", 7)
    for path in paths:
        with pytest.raises(DatasetError, match="more than 7 members"):
            listing(path)
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MAX_ZIP_DIRECTORY_BYTES", 100)
    with pytest.raises(DatasetError, match="directory alone"):
        listing(paths[0])


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_header_that_declares_a_gibibyte_is_not_read(kind: bytes, tmp_path: Path) -> None:
    """tarfile itself reads an extended header at once: a few kB of bzip2 could fill the memory."""
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, 1 << 30
    path = tmp_path / "bomb.tar.bz2"
    path.write_bytes(bz2.compress(header.tobuf() + bytes(1 << 20)))
    with pytest.raises(DatasetError, match=f"a header of {1 << 30} bytes"):
        listing(path)


@pytest.mark.parametrize("kind", ["tar.gz", "tar.xz"])
def test_headers_that_unpack_to_too_much_are_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links are no members, so neither their number nor their size is counted; the bytes they
    unpack to are.
    """
    path = tmp_path / f"set.{kind}"
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "elsewhere"
    with tarfile.open(path, f"w:{kind[4:]}") as file:  # type: ignore[call-overload]
        for _ in range(5000):
            file.addfile(link)
    assert listing(path) == []
    monkeypatch.setattr(archives, "RATIO_ALLOWANCE", 0)
    with pytest.raises(DatasetError, match="bytes unpacked"):
        listing(path)


def test_wrong_size_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"a.wav": bytes(32 << 20)})
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\1\2") + 24, 3)
    path.write_bytes(data)
    with open_archive(path) as archive:
        archive.members()
        tracemalloc.start()
        with pytest.raises(DatasetError, match=r"a\.wav is broken"):
            archive.read("a.wav")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 4 << 20


def test_wrong_declared_sizes_are_found(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"a.wav": b"content" * 1000, "b.wav": b"other"})
    data = bytearray(path.read_bytes())
    for declared in (3, 7001):
        struct.pack_into("<L", data, data.index(b"PK\1\2") + 24, declared)
        path.write_bytes(data)
        with open_archive(path) as archive:
            found = dict(archive.stream(["a.wav", "b.wav"]))
        assert isinstance(found["a.wav"], DatasetError)
        assert found["b.wav"] == b"other"


def test_members_beside_a_broken_one_are_read(tmp_path: Path) -> None:
    files = {f"{name}.wav": random.Random(name).randbytes(5000) for name in "abc"}
    path = write_zip(tmp_path / "set.zip", files, compression=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(files["b.wav"]) + 77] ^= 1
    path.write_bytes(data)
    with open_archive(path) as archive:
        found = dict(archive.stream(files))
        with pytest.raises(DatasetError, match=r"set\.zip: b\.wav is broken \(Bad CRC-32"):
            archive.read("b.wav")
    assert found["a.wav"] == files["a.wav"]
    assert found["c.wav"] == files["c.wav"]
    assert isinstance(found["b.wav"], DatasetError)


def test_members_with_unbounded_compression_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"a.wav": bytes(1 << 20)}, compression=zipfile.ZIP_BZIP2)
    with (
        open_archive(path) as archive,
        pytest.raises(DatasetError, match="packed by method 12; pack it again with deflate"),
    ):
        archive.read("a.wav")


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"a.wav": b"x"})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="encrypted; pack it again without a password"):
        listing(path)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_cut_off_archive_gives_one_error_wherever_it_is_cut(kind: str, tmp_path: Path) -> None:
    whole = write(kind, tmp_path, {f"{i}.wav": random.Random(i).randbytes(700) for i in range(8)})
    data = whole.read_bytes()
    # A plain tar is whole without its padding: the last cut is in its last member.
    ends = {"tar": 8 * 1536 + 100}.get(kind, len(data) - 1)
    for length in {1, 100, 512, 513, 1024, 1536, len(data) // 3, len(data) // 2, ends}:
        whole.write_bytes(data[: min(length, ends)])
        with pytest.raises(DatasetError) as caught:
            listing(whole)
        assert whole.name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_damaged_header_inside_a_tar_is_not_its_end(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "set.tar", {"a.wav": b"x", "b.wav": b"y"})
    data = bytearray(path.read_bytes())
    data[1024 + 150] ^= 1  # checksum of the second header
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="broken or cut off"):
        listing(path)


def test_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    for name, content, message in (
        ("empty.zip", b"", "is empty"),
        ("page.zip", b"\n <!DOCTYPE html><html>Not found</html>", "is a web page"),
        ("notes.zip", b"just text", "not a zip or tar"),
        ("long.tar", b"text " * 1000, "not a zip or tar"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DatasetError, match=message):
            listing(tmp_path / name)
    with pytest.raises(DatasetError, match="No such file"):
        open_archive(tmp_path / "absent.zip")


@pytest.mark.skipif(shutil.which("tar") is None, reason="no tar program")
def test_archives_of_the_tar_program_are_read(tmp_path: Path) -> None:
    folder = write("folder", tmp_path, {"fan/" + "long" * 40 + "/ä.wav": b"1", "-6_dB/a.wav": b"2"})
    for format_ in ("gnu", "pax"):
        subprocess.run(
            ["tar", f"--format={format_}", "-czf", tmp_path / "set.tgz", "-C", folder, "."],
            check=True,
        )
        assert sorted(listing(tmp_path / "set.tgz")) == sorted(listing(folder))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(st.data())
def test_any_damage_gives_content_or_a_dataset_error(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["zip", "tar", "tar.gz"]))
    path = tmp_path / f"set.{kind}"
    content = bytearray(write(kind, tmp_path, FILES).read_bytes()[:3000])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        with open_archive(path) as archive:
            for name, found in archive.stream([member.name for member in archive.members()]):
                assert isinstance(found, (bytes, DatasetError))
                assert ".." not in name.split("/")
                assert not name.startswith("/")
    except DatasetError as error:
        assert "\n" not in str(error)  # an error is allowed, not required  # noqa: PT017


def test_a_name_of_many_characters_makes_no_message_of_many(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"a.wav": b"x" * 20_000}, compression=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[26:28] = struct.pack("<H", 10_000)  # length of the name in the member's own header
    path.write_bytes(content)
    with open_archive(path) as archive, pytest.raises(DatasetError, match="is broken") as one:
        archive.read("a.wav")
    assert len(str(one.value)) < 500


def test_recording_or_folder_that_may_not_be_read_is_no_broken_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write("folder", tmp_path, {"a.wav": b"x"})

    def refuse(place: object, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(place))

    with monkeypatch.context() as patch, open_archive(folder) as archive:
        patch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(DatasetError, match=r": a\.wav: permission denied; change its perm"):
            archive.read("a.wav")
    with monkeypatch.context() as patch, open_archive(folder) as archive:
        patch.setattr("os.scandir", refuse)
        with pytest.raises(DatasetError, match=f"^{folder}: permission denied; change its perm"):
            archive.members()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DatasetError, match=r"a\.zip: permission denied; change its permissions$"):
        open_archive(tmp_path / "a.zip")
