"""Sections that the reports of several jobs have."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from stethoscope.counts import count, format_counts
from stethoscope.options import ParameterSet
from stethoscope.report.blocks import notes, table
from stethoscope.report.html import tag
from stethoscope.report.page import Section, section
from stethoscope.report.words import short

_NOT_LISTED = ("dataset_url", "export_registry")  # shown apart; may hold a password

MAX_SKIPPED = 200
"""Most skipped recordings that are listed by name."""


def run_facts(parameters: ParameterSet, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return when a report was made, on which recordings, and with which parameters.

    Parameters
    ----------
    parameters : ParameterSet
        Of the pipeline.
    given : mapping
        Their values in the run.
    """
    others = [
        f"{one.name} = {_text(given[one.name])}"
        for one in parameters.parameters
        if one.name in given and given[one.name] != one.default and one.name not in _NOT_LISTED
    ]
    now = datetime.now().astimezone()
    return [
        ("Made", f"{now:%d %B %Y, %H:%M} {now.tzname()}".lstrip("0")),
        ("Recordings", short(_without_secrets(str(given["dataset_url"])), 200)),
        ("Parameters", _listed(others)),
    ]


def _listed(others: Sequence[str]) -> str:
    return f"{', '.join(others)}; all others as by default" if others else "all as by default"


def _without_secrets(addresses: str) -> str:
    """Return addresses without what may be secret in them: user, password and query."""
    return re.sub(r"(?<=://)[^/@,\s]*@|\?[^,\s]*", "", addresses)


def warning_section(texts: Sequence[str]) -> Section | None:
    """Return warnings; None without any."""
    return section("cautions", "Warnings", notes(texts)) if texts else None


def skipped_section(skipped: Sequence[Mapping[str, str]]) -> Section | None:
    """Return the recordings that could not be used; None without any.

    Parameters
    ----------
    skipped : sequence of mapping
        ``source``, ``path``, ``reason`` and ``kind`` of each, as in ``evaluation.json``.
    """
    if not skipped:
        return None
    rows = [
        [tag("code", short(f"{one['source']}/{one['path']}", 200)), short(one["reason"], 400)]
        for one in skipped[:MAX_SKIPPED]
    ]
    left_out = len(skipped) - len(rows)
    return section(
        "skipped",
        "Skipped recordings",
        tag("p", f"These recordings could not be used{_kinds(skipped)}."),
        table(("Recording", "Reason"), rows, caption="Skipped recordings", words=True),
        tag("p", f"{left_out:,} more are listed in evaluation.json.", class_="soft")
        if left_out
        else "",
        folded=True,
        hint=count(len(skipped), "recording"),
    )


def _kinds(skipped: Iterable[Mapping[str, str]]) -> str:
    """Return how many of the skipped recordings are useless, by kind; empty if there are none."""
    kinds = [one["kind"] for one in skipped if one.get("kind")]
    return f"; those that are useless, by kind: {format_counts(kinds)}" if kinds else ""


def settings_section(settings: Mapping[str, Any], versions: Mapping[str, Any]) -> Section:
    """Return the settings of a model and the versions of the packages that made it.

    Parameters
    ----------
    settings : mapping
        JSON values; nested mappings are written as ``outer · inner``.
    versions : mapping
        Version by package.
    """
    return section(
        "settings",
        "Settings and versions",
        table(
            ("Setting", "Value"),
            [[name, value] for name, value in _flat(settings)],
            caption="Settings",
            words=True,
        ),
        tag("h3", "Versions"),
        table(
            ("Package", "Version"),
            [[name, str(version)] for name, version in versions.items()],
            caption="Versions of packages",
            words=True,
        ),
        folded=True,
        hint="of feature, model and packages",
    )


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{name} · ")
        else:
            values = item if isinstance(item, list) else [item]
            yield f"{prefix}{name}", ", ".join(map(_text, values))


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
