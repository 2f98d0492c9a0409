"""The command label."""

import json
import zipfile
from pathlib import Path

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.cli import main


def test_label_names_faults_and_sets_messages(
    diagnosing_copy: Path, fan_archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(fan_archive) as archive:
        files = [
            archive.extract(name, tmp_path) for name in archive.namelist() if "anomaly" in name
        ]
    assert (
        main(
            [
                "label",
                str(diagnosing_copy),
                "1=imbalance",
                "2=clogging",
                "--message",
                "2=Component is clogged",
            ]
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert "fault 1: imbalance\n    fan/test/anomaly_id_" in shown
    assert main(["predict", str(diagnosing_copy), *files]) == 0
    messages = set()
    for answer in map(json.loads, capsys.readouterr().out.splitlines()):
        labels, chances = answer["Details"]["Labels"], answer["Details"]["Probabilities"]
        assert labels == ["normal", "fault 1: imbalance", "fault 2: clogging"]
        expected = "Component OK"
        if answer["Anomaly"]:
            expected = "fault 1: imbalance" if chances[1] > chances[2] else "Component is clogged"
        assert answer["Details"]["Message"] == expected
        messages.add(expected)
    assert len(messages) > 1
    assert Bundle.open(diagnosing_copy).manifest["labels"] == [
        "normal",
        "fault 1: imbalance",
        "fault 2: clogging",
    ]
    # A name can be taken away and changed; the message stays with its fault.
    assert main(["label", str(diagnosing_copy), "1=", "2=blocked filter"]) == 0
    assert capsys.readouterr().out.startswith("fault 1\n")
    assert Bundle.open(diagnosing_copy).messages == {
        "fault 2: blocked filter": "Component is clogged"
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["3=x"], "there is no fault 3; the bundle has faults 1 to 2"),
        (["0=x"], "there is no fault 0"),
        (["clogging"], "'clogging' is not of the form FAULT=NAME"),
        (["1=a", "1=b"], "fault 1 is named twice"),
        (["1=" + 81 * "a"], "at most 80 printable characters"),
    ],
)
def test_label_refuses_wrong_names_and_changes_nothing(
    diagnosing_copy: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (diagnosing_copy / "bundle.json").read_bytes()
    assert main(["label", str(diagnosing_copy), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert (diagnosing_copy / "bundle.json").read_bytes() == before


def test_label_needs_a_diagnosis(fan_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["label", str(fan_bundle), "1=x"]) == 1
    assert "has no diagnosis whose faults could be named" in capsys.readouterr().err
