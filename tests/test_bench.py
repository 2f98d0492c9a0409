"""Figures of speed: their ratios, marks, and the pages that state them."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "benchmarks"), str(ROOT / "docs")]

import figures  # noqa: E402
from timing import Figure, changed, in_turns, is_noisy, pair, run_measured  # noqa: E402


def summary(median: float, least: float, most: float) -> dict[str, list[float]]:
    return {"ours": [median, least, most]}


def test_sides_are_measured_in_turns_and_their_ratio_is_that_of_each_round() -> None:
    order = []

    def side(name: str, values: list[float]) -> dict[str, float]:
        order.append(name)
        return {"seconds": values.pop(0)}

    ours, reference = [2.0, 1.0, 1.0], [8.0, 5.0, 6.0]
    found = in_turns(
        {"reference": lambda: side("a", reference), "ours": lambda: side("b", ours)}, 3
    )
    assert order == ["a", "b"] * 3
    figure = pair(found, "x", "x", "ms", "seconds", 1e3)
    assert figure.to_json() == {
        "text": "x",
        "unit": "ms",
        "ours": [1000, 1000, 2000],
        "reference": [6000, 5000, 8000],
        "ratio": [5, 4, 6],
    }


def test_a_rate_is_better_if_it_is_higher() -> None:
    figure = Figure(
        key="x", text="x", unit="1/s", ours=[30.0], reference=[10.0], more_is_better=True
    )
    assert figure.ratios == [3.0]


@pytest.mark.parametrize(
    ("figure", "others", "noisy"),
    [
        (summary(10, 9.5, 11), 0.01, False),
        (summary(10, 8, 11), 0.01, True),
        (summary(10, 9.5, 11), 0.2, True),
        ({**summary(10, 5, 20), "ratio": [4, 3.9, 4.1]}, None, False),
    ],
)
def test_a_figure_is_noisy_by_its_rounds_or_by_other_programs(
    figure: dict, others: float | None, noisy: bool
) -> None:
    assert is_noisy(figure, others) is noisy


def test_a_change_is_one_beyond_both_spreads() -> None:
    assert not changed(summary(10, 9, 12), summary(12, 11, 13), same_machine=True)
    assert changed(summary(10, 9, 10.5), summary(12, 11, 13), same_machine=True)
    assert not changed(summary(100, 100, 100), summary(101, 101, 101), same_machine=True)


def test_of_another_machine_only_ratios_are_compared() -> None:
    assert not changed(summary(1, 1, 1), summary(9, 9, 9), same_machine=False)
    new, old = ({**summary(1, 1, 1), "ratio": [ratio] * 3} for ratio in (4, 5))
    assert changed(new, old, same_machine=False)


def test_the_time_and_memory_of_a_command_are_measured_with_its_children() -> None:
    code = "import subprocess, sys; x = bytearray(80 << 20); subprocess.run([sys.executable, '-c', "
    code += "'import time; x = bytearray(80 << 20); time.sleep(1)'])"
    found = run_measured([sys.executable, "-c", code])
    assert found["seconds"] >= 1.0
    assert 0.0 < found["work"] < found["seconds"] + 1.0
    assert found["megabytes"] >= 2 * (80 << 20) / 1e6


@pytest.mark.parametrize("page", figures.PAGES, ids=lambda page: page.name)
def test_the_pages_state_the_figures_of_the_last_benchmark(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    results = json.loads(figures.RESULTS.read_text(encoding="utf-8"))
    assert figures.MARK.search(text)
    assert text == figures.fill(text, results), "run `make figures` and commit the pages"
