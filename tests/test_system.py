"""Errors of the operating system, caused for real: a full disk, limits, permissions, signals."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from stethoscope.system import explain, explain_exit
from tests.disks import NEEDS_ROOT, full_disk

ROOT = Path(__file__).parents[1]


def run(code: str, *arguments: str, limit: tuple[int, int] | None = None) -> str:
    """Return how a process words the error that `code` raises in it, under a limit of resources."""

    def prepare() -> None:
        if limit is not None:
            resource.setrlimit(limit[0], (limit[1], limit[1]))

    script = f"""
import sys
from pathlib import Path
from stethoscope.system import explain
try:
    {code}
except BaseException as error:
    print(explain(error))
else:
    print("no error")
"""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        preexec_fn=prepare,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with full_disk(tmp_path / "disk") as folder:
        yield folder


@NEEDS_ROOT
def test_a_full_disk_is_named_even_where_the_system_does_not(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STETHOSCOPE_CACHE", str(small_disk / "cache"))
    with pytest.raises(OSError, match="No space") as caught:
        (small_disk / "more").write_bytes(bytes(1 << 20))
    assert explain(caught.value, folders=[small_disk]).startswith(
        f"{small_disk}: the disk is full; free space there or "
    )
    (small_disk / "cache").mkdir()
    assert "set STETHOSCOPE_CACHE to another folder" in explain(caught.value)


@NEEDS_ROOT
@pytest.mark.parametrize(
    ("size", "message"), [(1 << 18, "requested and"), (1 << 24, "Not enough free space")]
)
def test_a_disk_that_an_array_fills_is_named(small_disk: Path, size: int, message: str) -> None:
    (small_disk / "ballast").unlink()  # so that numpy can write a part
    with pytest.raises(OSError, match=message) as caught:
        np.save(small_disk / "array.npy", np.zeros(size))
    assert explain(caught.value, folders=[small_disk]).startswith(
        f"{small_disk}: the disk is full; free space there or "
    )


@NEEDS_ROOT
def test_a_read_only_disk_is_named(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match="Read-only") as caught:
        (small_disk / "file").write_text("")
    assert explain(caught.value).startswith(
        f"{small_disk / 'file'}: cannot be written, the file system is read-only; "
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_a_folder_of_another_user_is_named(tmp_path: Path) -> None:
    code = "import os; os.setuid(65534); Path('/root/stethoscope-test').write_text('')"
    text = run(code)
    assert text.startswith("/root/stethoscope-test: permission denied; change its permissions or ")


def test_a_limit_of_file_size_is_named(tmp_path: Path) -> None:
    code = "Path(sys.argv[1]).write_bytes(bytes(9000))"
    text = run(code, str(tmp_path / "file"), limit=(resource.RLIMIT_FSIZE, 4096))
    assert text.startswith("the file became larger than allowed; raise the limit (`ulimit -f`)")


@pytest.mark.parametrize(
    "code", ["bytearray(1 << 33)", "__import__('numpy').ones((1 << 33,), 'uint8')"]
)
def test_want_of_memory_is_named(code: str) -> None:
    text = run(code, limit=(resource.RLIMIT_AS, 4 << 30))
    assert text.startswith("memory ran out")
    assert ("8.00 GiB" in text) == ("numpy" in code)
    assert "close other programs" in text


def test_too_many_open_files_are_named() -> None:
    text = run("kept = [open('/dev/null') for _ in range(99)]", limit=(resource.RLIMIT_NOFILE, 32))
    assert text == "too many files are open; raise the limit (`ulimit -n`) and start again"


def test_without_a_folder_for_temporary_files_the_setting_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = run(
        "import tempfile; tempfile._candidate_tempdir_list = lambda: []; tempfile.gettempdir()"
    )
    assert text == "no folder for temporary files can be written; set TMPDIR to one that can"


def test_the_cause_of_an_error_counts() -> None:
    wrapped = RuntimeError("the archive cannot be written")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device", "/there/archive.zip")
    assert explain(wrapped).startswith("/there/archive.zip: the disk is full")
    assert explain(RuntimeError("OOM when allocating tensor")).startswith("memory ran out")


@pytest.mark.parametrize(
    "error", [ValueError("wrong"), OSError("wrong"), KeyError("wrong"), RuntimeError("wrong")]
)
def test_other_errors_have_no_such_words(error: Exception) -> None:
    assert explain(error) == ""


def test_any_other_error_of_the_system_names_the_file() -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        Path("/absent/file").read_text()
    assert explain(caught.value) == "/absent/file: no such file or directory; check the path"


def kill_by(number: int) -> Callable[[], int]:
    return lambda: (
        subprocess.run(
            [sys.executable, "-c", f"import os; os.kill(os.getpid(), {number})"]
        ).returncode
    )


def overrun_processor_time() -> int:
    limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (1, 2))  # noqa: E731
    return subprocess.run([sys.executable, "-c", "while True: pass"], preexec_fn=limit).returncode


def read_beyond_a_shortened_file(path: Path) -> int:
    np.save(path, np.zeros(1 << 16))
    code = """
import os, sys, numpy as np
mapped = np.load(sys.argv[1], mmap_mode="r")
os.truncate(sys.argv[1], 4096)
print(mapped.sum())
"""
    return subprocess.run([sys.executable, "-c", code, str(path)]).returncode


def test_the_end_of_a_process_is_worded(tmp_path: Path) -> None:
    assert "perhaps because memory ran out" in explain_exit(kill_by(signal.SIGKILL)())
    assert "perhaps" not in explain_exit(-signal.SIGKILL, out_of_memory=True)
    assert explain_exit(kill_by(signal.SIGTERM)()) == "was stopped (SIGTERM)"
    assert "processor time" in explain_exit(overrun_processor_time())
    assert "SIGBUS" in explain_exit(read_beyond_a_shortened_file(tmp_path / "a.npy"))
    assert explain_exit(3) == "ended with status 3"
