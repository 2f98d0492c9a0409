"""A few of the cases of ``make faults``."""

from pathlib import Path

import pytest

from tests.faults.harness import Cases, WrongOutcomeError, compare


@pytest.mark.parametrize("seed", [1, 2])
def test_a_download_that_is_killed_or_without_space_is_fetched_again(
    tmp_path: Path, seed: int
) -> None:
    Cases(tmp_path, seed, []).killed_download()


@pytest.mark.parametrize("change", ["", "content", "more", "figure"])
def test_results_that_differ_are_noticed(tmp_path: Path, change: str) -> None:
    for name in ("alone", "other"):
        folder = tmp_path / name
        folder.mkdir()
        changed = change if name == "other" else ""
        (folder / "scores.csv").write_text("2" if changed == "content" else "1")
        auc = 0.5 if changed == "figure" else 1.0
        (folder / "summary.json").write_text(f'{{"auc": {auc}, "seconds": {len(name)}}}')
        if changed == "more":
            (folder / "more.csv").touch()
    if change:
        with pytest.raises(WrongOutcomeError, match="other"):
            compare(tmp_path / "alone", tmp_path / "other")
    else:
        compare(tmp_path / "alone", tmp_path / "other")
