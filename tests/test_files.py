"""Files and folders that are either complete or unchanged, and files of the package."""

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stethoscope import files
from stethoscope.errors import DatasetError, ModelError


def write_and_fail(path: Path) -> None:
    with files.atomic_file(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_interrupted_write_leaves_the_existing_file(tmp_path: Path) -> None:
    files.write_text(tmp_path / "deep" / "a.txt", "before")
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(tmp_path / "deep" / "a.txt")
    assert (tmp_path / "deep" / "a.txt").read_text() == "before"
    assert [one.name for one in (tmp_path / "deep").iterdir()] == ["a.txt"]


def test_folder_replaces_the_existing_one_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    with files.atomic_folder(tmp_path / "model") as temporary:
        (temporary / "new").touch()
        assert (tmp_path / "model" / "old").exists()
    assert [one.name for one in (tmp_path / "model").iterdir()] == ["new"]
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


def test_json_without_nan_is_written_and_read(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"name": "Lüfter"})
    assert files.read_json(tmp_path / "a.json") == {"name": "Lüfter"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "b.json", {"a": float("nan")})
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_damaged_json_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(ModelError, match=r"model\.json: is .*damaged"):
        files.read_json(tmp_path / "model.json")


def test_digest_equals_the_published_values(tmp_path: Path) -> None:
    """RFC 1321 and FIPS 180-2 give these for "abc"."""
    (tmp_path / "abc").write_bytes(b"abc")
    assert files.digest(tmp_path / "abc", "md5") == "900150983cd24fb0d6963f7d28e17f72"
    assert files.digest(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_packaged_files_are_found_in_a_checkout_and_in_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        files.packaged_file("catalogue.json")
        == Path(files.__file__).parent.parent / "data" / "catalogue.json"
    )
    package = tmp_path / "site-packages" / "stethoscope"
    (package / "_packaged").mkdir(parents=True)
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    with pytest.raises(FileNotFoundError, match="install stethoscope again"):
        files.packaged_file("catalogue.json")
    (package / "_packaged" / "catalogue.json").write_text("[]")
    (package.parent / "pipeline.yaml").write_text("")
    assert files.packaged_file("catalogue.json") == package / "_packaged" / "catalogue.json"
    assert files.packaged_file("pipeline.yaml") == package.parent / "pipeline.yaml"


def test_rows_of_a_written_table_are_read_by_column(tmp_path: Path) -> None:
    files.write_csv(tmp_path / "a.csv", [("name", "n"), ('"a", b\n', 1), ("ü", None)])
    rows = list(files.read_csv(tmp_path / "a.csv"))
    assert rows == [{"name": '"a", b\n', "n": "1"}, {"name": "ü", "n": ""}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n1\n", "a.csv: column b is missing; this is not a table of pairs"),
        (b"b,a\n1,2\nx,2\n", "a.csv, line 3: .*'x'; correct the row"),
        (b"b,a\n\xff,2\n", "a.csv: cannot be read as a table of pairs"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        list(
            files.parse_csv(
                tmp_path / "a.csv",
                ("a", "b"),
                lambda row: int(row["a"]) + int(row["b"]),
                contents="pairs",
            )
        )


def rewrite_file(path: Path) -> None:
    files.write_text(path / "a.txt", "new" * 1000)


def rewrite_folder(path: Path) -> None:
    with files.atomic_folder(path / "model") as temporary:
        files.write_text(temporary / "a.txt", "new")
        (temporary / "inner").mkdir()
        (temporary / "inner" / "b.txt").write_text("new")


def content(path: Path) -> dict[str, str]:
    """Text of every file by its name, without what is being written."""
    found = {one.relative_to(path).as_posix(): one for one in path.rglob("*") if one.is_file()}
    return {
        name: one.read_text()
        for name, one in found.items()
        if not name.partition("/")[0].endswith(files.TEMPORARY)
    }


WRITERS = [
    (rewrite_file, {"a.txt": "old"}, {"a.txt": "new" * 1000}),
    (
        rewrite_folder,
        {"model/a.txt": "old", "model/c.txt": "old"},
        {"model/a.txt": "new", "model/inner/b.txt": "new"},
    ),
]
CALLS = ("fsync", "replace", "open", "chmod", "unlink")


def prepare(path: Path, old: dict[str, str]) -> None:
    for name, text in old.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)


@pytest.mark.parametrize("exchange", [True, False], ids=["exchange", "two renames"])
@pytest.mark.parametrize(("write", "old", "new"), WRITERS)
def test_a_full_disk_at_any_point_leaves_the_old_or_the_new_content(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Path], None],
    old: dict[str, str],
    new: dict[str, str],
    exchange: bool,
) -> None:
    """The system refuses the first call, then the second, and so on until none is refused."""
    if not exchange:
        monkeypatch.setattr(files, "_exchange", lambda *_: False)
    refused = 0
    while True:
        folder = tmp_path / str(refused)
        prepare(folder, old)
        left = refused

        def failing(original: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                nonlocal left
                left -= 1
                if left == -1:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return original(*arguments, **options)

            return call

        with monkeypatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, failing(getattr(os, name)))
            with contextlib.suppress(OSError):
                write(folder)
        assert content(folder) in (old, new), refused
        if left >= 0:
            break
        refused += 1
    assert refused >= 4
    assert content(folder) == new


KILLED = """
import os, sys
from pathlib import Path
from tests import test_files
left = int(sys.argv[2])
def killing(original):
    def call(*arguments, **options):
        global left
        left -= 1
        if left == -1:
            os.kill(os.getpid(), 9)
        return original(*arguments, **options)
    return call
for name in test_files.CALLS:
    setattr(os, name, killing(getattr(os, name)))
for point in range(int(sys.argv[3]), 40):
    if os.fork() == 0:
        left = point
        folder = Path(sys.argv[1]) / str(point)
        getattr(test_files, sys.argv[4])(folder)
        os._exit(0)
    status = os.wait()[1]
    if status == 0:
        break
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges two folders at once")
@pytest.mark.parametrize(("write", "old", "new"), WRITERS)
def test_a_kill_at_any_point_leaves_the_old_or_the_new_content(
    tmp_path: Path, write: Callable[[Path], None], old: dict[str, str], new: dict[str, str]
) -> None:
    for point in range(40):
        prepare(tmp_path / str(point), old)
    script = [sys.executable, "-c", KILLED, str(tmp_path), "1000000", "0", write.__name__]
    subprocess.run(script, check=True, cwd=Path(__file__).parents[1])
    states = [content(tmp_path / str(point)) for point in range(40)]
    assert all(state in (old, new) for state in states)
    assert 4 <= states.index(new) < 39


def test_paths_that_do_not_exist_get_the_names_that_are_alike(tmp_path: Path) -> None:
    (tmp_path / "recordings.zip").touch()
    assert files.advice_on_path(tmp_path / "recording.zip") == (
        f"did you mean {tmp_path / 'recordings.zip'}?"
    )
    assert files.advice_on_path(tmp_path / "recordings.zip") == "", "it exists"
    assert files.advice_on_path(tmp_path / "unlike") == ""
    assert files.advice_on_path(tmp_path / "absent" / "recordings.zip") == ""


def test_path_in_a_folder_that_was_deleted_gets_that_as_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "folder was deleted" in files.advice_on_path("runs")
    assert files.advice_on_path("/nowhere/a.zip") == ""
