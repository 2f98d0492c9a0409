"""Sections that the reports of several jobs have."""

import re

from stethoscope.options import Parameter, ParameterSet
from stethoscope.report.common import (
    run_facts,
    settings_section,
    skipped_section,
    warning_section,
)
from tests.report.fixtures import Page


def test_skipped_recordings_are_escaped_and_at_most_200() -> None:
    skipped = [
        {"source": "set.zip", "path": f"{number:03}<b>.wav", "reason": "holds no samples"}
        for number in range(203)
    ]
    section = skipped_section(skipped)
    assert section
    page = Page(section.html).root
    assert len(page.all("code")) == 200
    assert page.all("code")[0].text == "set.zip/000<b>.wav"
    assert "3 more are listed in evaluation.json" in page.text


def test_no_section_without_skipped_recordings() -> None:
    assert skipped_section([]) is None


def test_nested_settings_become_rows() -> None:
    settings = {"kind": "events", "fit": {"filters": [8, 16], "rate": 0.1 + 0.2}}
    section = settings_section(settings, {"numpy": "2.4"})
    rows = [
        [cell.text for cell in row.all() if cell.name in ("th", "td")]
        for body in Page(section.html).root.all("tbody")
        for row in body.all("tr")
    ]
    assert rows == [
        ["kind", "events"],
        ["fit · filters", "8, 16"],
        ["fit · rate", "0.3"],
        ["numpy", "2.4"],
    ]


def test_warnings_are_escaped_and_without_any_there_is_no_section() -> None:
    section = warning_section(["a <b> is late", "c"])
    assert section
    assert "a &lt;b&gt; is late" in section.html
    assert warning_section([]) is None


def test_facts_of_a_run_name_recordings_and_changed_parameters_without_secrets() -> None:
    parameters = ParameterSet(
        Parameter("dataset_url", str, "simulated/fan", "Where."),
        Parameter("max_fpr", float, 0.1, "Rate."),
        Parameter("seed", int, 0, "Seed."),
        Parameter("export_registry", str, "", "Address."),
    )
    given = {
        "dataset_url": "https://me:secret@example.org/a.zip?token=secret,folder",
        "max_fpr": 0.2,
        "seed": 0,
        "export_registry": "http://me:secret@example.org",
    }
    facts = dict(run_facts(parameters, given))
    assert facts["Recordings"] == "https://example.org/a.zip,folder"
    assert facts["Parameters"] == "max_fpr = 0.2; all others as by default"
    assert re.fullmatch(r"\d{1,2} \w+ \d{4}, \d\d:\d\d .+", facts["Made"])
    assert dict(run_facts(parameters, {"dataset_url": "a"}))["Parameters"] == "all as by default"
