import re
from pathlib import Path

import pytest

from tests.docs.commands import (
    FIRST_HOUR,
    NOT_RUN,
    PAGES,
    ROOT,
    Shown,
    make_checkout,
    run_commands,
    script,
    shown,
    write_recordings,
)

QUICK = ("docs/install.md", "README.md", "docs/data.md", "docs/decisions.md", "docs/bundle.md")


def test_every_page_with_commands_is_among_those_that_are_run() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    with_commands = {page.relative_to(ROOT).as_posix() for page in pages}
    assert {page for page in with_commands if shown(page)} <= {*PAGES, FIRST_HOUR}


def test_every_reason_not_to_run_a_command_is_needed() -> None:
    commands = [one.text for page in (*PAGES, FIRST_HOUR) for one in shown(page)]
    for pattern in NOT_RUN:
        assert any(re.search(pattern, text) for text in commands), pattern


def test_all_commands_of_the_first_hour_are_run() -> None:
    commands = shown(FIRST_HOUR)
    assert len(commands) >= 8
    assert not [one.text for one in commands if one.reason]


def test_a_command_that_fails_is_named_and_ends_the_program(tmp_path: Path) -> None:
    done = run_commands(
        [Shown("a.md", "true"), Shown("b.md", "no-such-command"), Shown("c.md", "echo later")],
        tmp_path,
        tmp_path,
    )
    assert done.returncode == 1
    assert "FAILED in b.md: no-such-command" in done.stdout
    assert "later" not in done.stdout


def test_installing_is_left_to_the_slow_form() -> None:
    install = shown("docs/install.md")
    assert "make install" not in script(install, 1, slow=False)
    assert "make install" in script(install, 1, slow=True)


@pytest.mark.slow
@pytest.mark.parametrize("pages", [("docs/install.md", FIRST_HOUR), QUICK], ids=["hour", "pages"])
def test_commands_work_as_printed_in_an_empty_environment(
    pages: tuple[str, ...], tmp_path: Path
) -> None:
    home, folder = tmp_path / "home", tmp_path / "checkout"
    home.mkdir()
    make_checkout(folder, with_environment=True)
    if FIRST_HOUR not in pages:
        write_recordings(folder)
    done = run_commands([one for page in pages for one in shown(page)], folder, home)
    assert done.returncode == 0, done.stdout
    assert (folder / "runs" / "first" / "bundle" / "bundle.json").exists()
