"""Write the figures of speed into README and docs: ``python docs/figures.py``.

They come from `benchmarks/results/speed.json`, which `make bench` writes. Each table stands between
two marks that name it.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "speed.json"
PAGES = (
    ROOT / "README.md",
    ROOT / "docs" / "serve.md",
    ROOT / "stethoscope" / "detection" / "autoencoder" / "README.md",
)
END = "<!-- end of the figures -->"
MARK = re.compile(rf"(<!-- figures of `make bench`: (\w+) -->\n).*?({END})", re.DOTALL)

Part = dict[str, Any]

FASTER, LESS, MORE, SOONER = "times as fast", "times less", "times as many", "times as soon"


def fill(page: str, results: dict[str, Part]) -> str:
    """Return a page with its tables made from the results; those of other parts stay."""

    def made(found: re.Match[str]) -> str:
        part, table = TABLES[found[2]]
        if part not in results:
            return found[0]
        return f"{found[1]}\n{table(results[part])}\n\n{found[3]}"

    return MARK.sub(made, page)


def recipe(part: Part) -> str:
    """Return the comparison with the published recipe."""
    rows = [
        ("features", FASTER),
        ("logmel", FASTER),
        ("scoring", FASTER),
        ("memory", LESS),
    ]
    head = ["| | recipe | stethoscope | |", "|---|---|---|---|"]
    body = [_row(part, [key], words) for key, words in rows if key in part["figures"]]
    return "\n".join([_where(part), "", *head, *body])


def training(part: Part) -> str:
    """Return the speed of the autoencoder's training beside that of Keras."""
    figures = part["figures"]
    head = ["| batches of 512 | vectors per second | ratio to Keras `fit` |", "|---|---|---|"]
    body = [f"| Keras `fit` | {_value(figures['here'], 'reference')} | 1 |"]
    for key, text in (
        ("here", "here"),
        ("without_xla", "here, without XLA"),
        ("products", "the matrix products alone"),
    ):
        body.append(f"| {text} | {_value(figures[key])} | {_short(figures[key]['ratio'][0])} |")
    return "\n".join([_where(part), "", *head, *body])


def use(part: Part) -> str:
    """Return what the default run and its model cost."""
    return _list(part, ["run.seconds", "run.memory", "long.speed", "long.memory"])


def detector(part: Part) -> str:
    """Return what the default detector costs."""
    return _list(part, ["fit", "fit.memory", "score"])


def service(part: Part) -> str:
    """Return the comparison with the classic service."""
    rows = [
        ("median", FASTER),
        ("late", FASTER),
        ("work", LESS),
        ("rate", MORE),
        ("ready", SOONER),
        ("first", SOONER),
        ("memory", LESS),
    ]
    head = [
        "| | classic | the same autoencoder | | default detector and diagnosis | |",
        "|---|---|---|---|---|---|",
    ]
    body = [_row(part, [f"autoencoder.{key}", f"default.{key}"], words) for key, words in rows]
    return "\n".join([_where(part), "", *head, *body])


def verdict(part: Part) -> str:
    """Return where the processor time of a verdict goes."""
    return _list(part, [key for key in part["figures"] if key.startswith("verdict")])


TABLES: dict[str, tuple[str, Callable[[Part], str]]] = {
    "recipe": ("versus_recipe", recipe),
    "training": ("training_speed", training),
    "use": ("default_run", use),
    "detector": ("detectors", detector),
    "service": ("serving", service),
    "verdict": ("default_run", verdict),
}
"""The part of the benchmarks that a table is made from, and how."""


def _list(part: Part, keys: list[str]) -> str:
    """Return figures without a reference as a table."""
    figures = (part["figures"][key] for key in keys)
    rows = [f"| {figure['text']} | {_value(figure)} |" for figure in figures]
    return "\n".join([_where(part), "", "| | |", "|---|---|", *rows])


def _row(part: Part, keys: list[str], words: str) -> str:
    """Return a row: what is measured, the reference, and for every key the value and the ratio."""
    figures = [part["figures"][key] for key in keys]
    cells = [figures[0]["text"].rpartition(": ")[2], _value(figures[0], "reference")]
    for figure in figures:
        cells += [_value(figure), f"{_short(figure['ratio'][0])} {words}"]
    return f"| {' | '.join(cells)} |"


def _value(figure: dict[str, Any], side: str = "ours") -> str:
    value, unit = figure[side][0], figure["unit"]
    if unit == "MB" and value >= 1000:
        value, unit = value / 1000, "GB"
    return f"{_short(value)} {unit}" if unit != "1/s" else _short(value)


def _short(value: float) -> str:
    """Return a number to two digits, or as a whole one."""
    return f"{value:,.0f}" if value >= 10 else f"{float(f'{value:.2g}'):g}"


def _where(part: Part) -> str:
    """Return on what the figures were measured."""
    machine = part["machine"]
    busy = " while other programs were running" if part["others"] > 0.05 else ""
    return (
        f"Measured on {part['date']} with {machine['processors']} processors ({machine['model']}) "
        f"and Python {machine['python']}{busy}: medians of several rounds."
    )


def main() -> None:
    """Write the tables into all pages."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for path in PAGES:
        path.write_text(fill(path.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
