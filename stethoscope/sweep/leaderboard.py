"""The leaderboard of a sweep, as a page, Markdown, CSV and JSON.

It lists every run with its figures, the best setting, and what failed.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from stethoscope.counts import count
from stethoscope.files import read_json, write_csv, write_json, write_text
from stethoscope.kubeflow.folder import WORK
from stethoscope.report.blocks import table
from stethoscope.report.html import Content, Html, tag
from stethoscope.report.page import Header, report_page, section
from stethoscope.sweep.comparison import compare_with_best
from stethoscope.sweep.items import RESULT
from stethoscope.terminal import decimal

COLUMNS = ("machine", "setting", "AUC", "pAUC", "seconds", "status")
SETTING_COLUMNS = (
    "setting",
    "machines",
    "mean AUC",
    "mean pAUC",
    "below the highest",
    "seconds per run",
    "seconds in all",
)

_SETTINGS_NOTE = (
    "Means over the machines for which a setting succeeded. Settings that succeeded for more "
    "machines come first. Below the highest: the difference from the first setting on the same "
    "clips, with its 95 % interval (paired bootstrap over clips). Seconds in all: runs that failed "
    "count as well."
)
_MATRIX_NOTE = (
    "AUC of each machine (row) with each setting (column). The darker a cell, the further it lies "
    "above the lowest AUC of the table. Each links to the report of its run."
)
_RUNS_NOTE = (
    "Means over the ids of a machine, with 95 % intervals. Seconds from download to exported model."
)


class Leaderboard:
    """The results of a sweep.

    Parameters
    ----------
    results : sequence of mapping
        What :func:`stethoscope.sweep.items.run_item` returned, in any order.

    Attributes
    ----------
    results : list of mapping
        By machine; within a machine the best first, what failed last.
    settings : list of dict
        For each setting: ``varied``, ``machines`` (how many succeeded), ``auc`` and ``pauc`` (means
        over these), ``seconds`` (sum over all its runs) and ``seconds_per_run``, the best first. A
        setting that succeeded on more machines stands before one that succeeded on fewer, because
        means over different machines cannot be compared.
    comparisons : dict
        As :func:`stethoscope.sweep.comparison.compare_with_best` returned it.
    failed : list of str
        Names of the items that failed, each with its reason.
    """

    def __init__(
        self,
        results: Sequence[Mapping[str, Any]],
        comparisons: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        self.results = sorted(
            results, key=lambda one: (one["machine"], -_value(one, "auc"), one["item"])
        )
        self.failed = [
            f"{one['item']}: {one['reason']}" for one in self.results if one["status"] == "failed"
        ]
        self.settings = sorted(
            map(_mean, by_setting(self.results).values()),
            key=lambda one: (-one["machines"], -(one["auc"] or 0.0)),
        )
        self.comparisons = {name: dict(one) for name, one in comparisons.items()}

    def figures(self) -> dict[str, float]:
        """Return figures by name.

        They are AUC and pAUC of each item that has them and of the best setting, and the number of
        failed items.
        """
        best = self.settings[0]
        named = {
            "best_auc": best["auc"],
            "best_pauc": best["pauc"],
            "failed": float(len(self.failed)),
        }
        for one in self.results:
            if one["figures"]:
                named |= {
                    f"{one['item']}_{name}": one["figures"][name]["value"]
                    for name in ("auc", "pauc")
                }
        return {name: float(value) for name, value in named.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "settings": self.settings,
            "comparisons": self.comparisons,
            "items": self.results,
            "failed": self.failed,
        }

    def to_markdown(self) -> str:
        """Return the tables as Markdown."""
        parts = [
            "# Sweep",
            "",
            self.headline(),
            "",
            "## Settings",
            "",
            *_markdown(SETTING_COLUMNS, self._settings()),
        ]
        rows = self._rows()
        for row, one in zip(rows, self.results, strict=True):
            if one["status"] == "succeeded":
                row[0] = f"[{row[0]}]({_report(one)})"
        parts += ["", "## Runs", "", *_markdown(COLUMNS, rows)]
        return "\n".join(parts) + "\n"

    def to_html(self, *, links: bool) -> str:
        """Return the tables as an HTML page.

        Parameters
        ----------
        links : bool
            Link each item to its report in ``items/<item>/``. Links do not work inside Kubeflow's
            viewer.
        """
        rows = self._rows()
        for row, one in zip(rows, self.results, strict=True):
            if one["status"] != "succeeded":
                row[-1] = tag("span", row[-1], class_="na")
            elif links:
                row[0] = tag("a", row[0], href=_report(one))
        settings = section(
            "settings",
            "Settings",
            tag("p", _SETTINGS_NOTE),
            table(SETTING_COLUMNS, self._settings(), caption="Settings"),
        )
        matrix = section(
            "matrix", "Machines and settings", tag("p", _MATRIX_NOTE), self._matrix(links=links)
        )
        runs = section("runs", "Runs", tag("p", _RUNS_NOTE), table(COLUMNS, rows, caption="Runs"))
        header = Header("Sweep", ["Leaderboard"], headline="Sweep", summary=self.headline())
        note = "Its links lead to the reports in the folder items beside it." if links else ""
        return report_page(header, [settings, matrix, runs], note=note)

    def headline(self) -> str:
        """Return the outcome in a sentence or two."""
        done = len(self.results) - len(self.failed)
        best = self.settings[0]
        text = f"{done} of {len(self.results)} runs succeeded."
        if best["auc"] is None:
            return text
        mean = f"mean AUC {best['auc']:.3f} over {count(best['machines'], 'machine')}"
        name = describe_setting(best["varied"])
        others = [describe_setting(one["varied"]) for one in self.settings[1:]]
        if not others:
            return f"{text} One setting: {name}, {mean}."
        if equal := [one for one in others if not self._is_worse(one)]:
            return (
                f"{text} Highest: {name}, {mean}; not distinguishable from it on these clips: "
                f"{'; '.join(equal)}."
            )
        return f"{text} Best setting: {name}, {mean}."

    def _is_worse(self, setting: str) -> bool:
        """Return whether a setting is below the first one by more than chance."""
        found = self.comparisons.get(setting)
        return bool(found and found["beyond_chance"] and found["difference"] > 0)

    def _difference(self, setting: str) -> str:
        found = self.comparisons.get(setting)
        if not found:
            return ""
        interval = (
            f" ({found['low']:+.3f} to {found['high']:+.3f})" if found["low"] is not None else ""
        )
        equal = "" if found["beyond_chance"] else ", not distinguishable"
        return f"{found['difference']:.3f}{interval}{equal}"

    def _matrix(self, *, links: bool) -> Html:
        """Return the table of AUC by machine and setting, shaded by the AUC."""
        settings = [describe_setting(one["varied"]) for one in self.settings]
        cells = {(one["machine"], describe_setting(one["varied"])): one for one in self.results}
        lowest = min((_value(one, "auc") for one in self.results if one["figures"]), default=0.0)
        rows = []
        for machine in dict.fromkeys(one["machine"] for one in self.results):
            found = [cells.get((machine, setting)) for setting in settings]
            shaded = [_shaded(one, min(lowest, 0.999), links=links) for one in found]
            rows.append(tag("tr", tag("th", machine, scope="row"), shaded))
        head = [tag("th", tag("span", name), scope="col") for name in settings]
        matrix = tag(
            "table",
            tag("thead", tag("tr", tag("th", "machine", scope="col"), head)),
            tag("tbody", rows),
            class_="confusion",
            aria_label="AUC by machine and setting",
        )
        label = "AUC by machine and setting"
        return tag(
            "div", matrix, class_="scroll fit", role="region", tabindex="0", aria_label=label
        )

    def _rows(self) -> list[list[Content]]:
        return [
            [
                one["machine"],
                describe_setting(one["varied"]),
                _figure(one, "auc"),
                _figure(one, "pauc"),
                f"{one['seconds']:.0f}",
                one["status"] if one["status"] == "succeeded" else f"failed: {one['reason']}",
            ]
            for one in self.results
        ]

    def _settings(self) -> list[list[Content]]:
        return [
            [
                describe_setting(one["varied"]),
                str(one["machines"]),
                decimal(one["auc"]),
                decimal(one["pauc"]),
                self._difference(describe_setting(one["varied"])),
                f"{one['seconds_per_run']:.0f}",
                f"{one['seconds']:.0f}",
            ]
            for one in self.settings
        ]

    def write_csv(self, path: Path) -> None:
        """Write a row per item, with every parameter of the grid in a column of its own."""
        varied = list(dict.fromkeys(name for one in self.results for name in one["varied"]))
        intervals = [f"{name}{end}" for name in ("auc", "pauc") for end in ("", "_low", "_high")]
        header = ["item", "machine", *varied, *intervals, "seconds", "status", "reason"]
        rows = []
        for one in self.results:
            figures = [(one["figures"] or {}).get(name) or {} for name in ("auc", "pauc")]
            cells = [figure.get(end) for figure in figures for end in ("value", "low", "high")]
            settings = [one["varied"].get(name) for name in varied]
            end = [one["seconds"], one["status"], one["reason"]]
            rows.append([one["item"], one["machine"], *settings, *cells, *end])
        write_csv(path, [header, *rows])


def write_leaderboard(outcomes: Sequence[Path], folder: Path) -> Leaderboard:
    """Write the leaderboard, and copy what the runs left, into a folder.

    ::

        DIR/
            leaderboard.html, leaderboard.md, leaderboard.csv, leaderboard.json
            items/<item>/       what the run of each item left

    Parameters
    ----------
    outcomes : sequence of Path
        Folders that :func:`stethoscope.sweep.items.run_item` filled.
    folder : Path
        The folder DIR.

    Returns
    -------
    Leaderboard
    """
    results = []
    for outcome in outcomes:
        result = read_json(outcome / RESULT)
        results.append(result)
        place = folder / "items" / result["item"]
        if place != outcome:
            shutil.copytree(outcome, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns(WORK))
    best = describe_setting(Leaderboard(results).settings[0]["varied"])
    comparisons = compare_with_best(by_setting(results), best, folder / "items")
    board = Leaderboard(results, comparisons)
    write_text(folder / "leaderboard.html", board.to_html(links=True))
    write_text(folder / "leaderboard.md", board.to_markdown())
    board.write_csv(folder / "leaderboard.csv")
    write_json(folder / "leaderboard.json", board.to_json())
    return board


def by_setting(results: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the results of each setting, by its description."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for one in results:
        groups.setdefault(describe_setting(one["varied"]), []).append(one)
    return groups


def describe_setting(varied: Mapping[str, Any]) -> str:
    """Return parameters as text, ``fit_epochs=2, seed=1``."""
    return ", ".join(f"{name}={value}" for name, value in varied.items()) or "defaults"


def figure_of(result: Mapping[str, Any], name: str) -> float | None:
    """Return the value of a figure of an item, None where there is none."""
    value: float | None = result["figures"][name]["value"] if result["figures"] else None
    return value


def _report(result: Mapping[str, Any]) -> str:
    """Return where the report of a run lies, seen from the leaderboard."""
    return f"items/{result['item']}/report.html"


def _shaded(result: Mapping[str, Any] | None, lowest: float, *, links: bool) -> Html:
    """Return the cell of a run, shaded by its AUC between the lowest one and 1."""
    value = figure_of(result, "auc") if result else None
    if result is None or value is None:
        return tag("td", "failed" if result and result["status"] == "failed" else "", class_="na")
    share = (value - lowest) / (1.0 - lowest)
    text: Content = f"{value:.3f}"
    if links:
        text = tag("a", text, href=_report(result))
    return tag("td", text, class_="right", style=f"--share:{share:.3f}")


def _mean(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    means = {}
    for name in ("auc", "pauc"):
        values = [value for one in results if (value := figure_of(one, name)) is not None]
        means[name] = float(np.mean(values)) if values else None
    return {
        "varied": results[0]["varied"],
        "machines": sum(one["status"] == "succeeded" for one in results),
        **means,
        "seconds": round(sum(one["seconds"] for one in results), 1),
        "seconds_per_run": round(float(np.mean([one["seconds"] for one in results])), 1),
    }


def _value(result: Mapping[str, Any], name: str) -> float:
    value = figure_of(result, name)
    return -1.0 if value is None else value


def _figure(result: Mapping[str, Any], name: str) -> str:
    if not result["figures"]:
        return ""
    figure = result["figures"][name]
    interval = "" if figure["low"] is None else f" ({figure['low']:.3f} to {figure['high']:.3f})"
    return decimal(figure["value"]) + interval


def _markdown(header: Sequence[str], rows: Sequence[Sequence[Content]]) -> list[str]:
    def line(cells: Sequence[Content]) -> str:
        return (
            "| "
            + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells)
            + " |"
        )

    return [line(header), "|" + "---|" * len(header), *map(line, rows)]
