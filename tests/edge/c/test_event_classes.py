"""Two classes of events, from recordings to C: bells and knocks, which overlap at times."""

import json
import subprocess
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.cli import main
from stethoscope.datasets.audacity import intervals_of, recordings_of
from stethoscope.datasets.clips import read_clips, write_clips
from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.bells import simulate_bells
from stethoscope.edge.events import export_events
from stethoscope.events.evaluate import evaluate_events
from stethoscope.events.model import EventDetector
from stethoscope.events.options import TEACHING, EventFit
from stethoscope.events.report.page import write_event_report
from stethoscope.events.train import train_events
from stethoscope.features.extract import extract_features
from stethoscope.files import read_csv, read_json
from stethoscope.sound.audio import load
from stethoscope.sound.bands import BandSpectrum
from tests.edge.c_tools import (
    CORE,
    EXAMPLES,
    LISTEN,
    SELFTEST,
    build_example,
    compile_c,
    require,
    run_example,
    run_listen,
)
from tests.report.fixtures import read_page

pytestmark = pytest.mark.slow

CLASSES = ["Bell", "Knock"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings, and what the steps of the pipeline make of them."""
    folder = tmp_path_factory.mktemp("classes")
    archive = folder / "bells.zip"
    simulate_bells(archive, snr_db=6.0, recordings=10, seconds=20.0, kinds=2)
    table = index([archive])
    write_clips(folder / "clips.csv", table)
    store = extract_features(
        [archive], recordings_of(table), BandSpectrum(), folder / "store", min_frames=32
    )
    fit = EventFit(**TEACHING, classes="each", epochs=12, batch_size=32)
    train_events(store, table, fit, folder / "model")
    evaluate_events(folder / "store", folder / "clips.csv", folder / "model", folder / "results")
    export_events(folder / "model", folder / "results", folder / "bundle", max_drop=0.05)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder / "recordings")
    return folder


def test_events_of_both_classes_are_those_of_the_simulator(made: Path) -> None:
    for network in ("float", "int8"):
        test = read_json(made / "results" / "evaluation.json")["networks"][network]
        assert list(test["classes"]) == CLASSES
    rows = list(read_csv(made / "results" / "events.csv"))
    table = read_clips(made / "clips.csv")
    for label in CLASSES:
        truth = {path: spans for (_, path), spans in intervals_of(table, [label]).items()}
        found = [row for row in rows if row["label"] == label and row["outcome"] != "missed"]
        paths = {row["path"] for row in rows}
        right = [
            row
            for row in found
            if any(
                abs(float(row["start"]) - start) <= 0.3 and abs(float(row["end"]) - end) <= 0.3
                for start, end in truth[row["path"]]
            )
        ]
        n_true = sum(len(truth[path]) for path in paths)
        assert 2 * len(right) / (len(found) + n_true) > 0.85, label
        outcomes = Counter(row["outcome"] for row in rows if row["label"] == label)
        assert outcomes["hit"] == len(right)


def test_figures_over_all_classes_count_the_events_of_each(made: Path) -> None:
    network = read_json(made / "results" / "evaluation.json")["networks"]["float"]
    test, classes = network["test"], [network["classes"][label]["test"] for label in CLASSES]
    hits, false, missed = (
        sum(one["events"][name] for one in classes) for name in ("hits", "false_events", "missed")
    )
    assert test["events"]["f1"] == pytest.approx(2 * hits / (2 * hits + false + missed))
    assert test["events"]["macro_f1"] == pytest.approx(
        np.mean([one["events"]["f1"] for one in classes])
    )
    counts = np.array(test["confusion"])
    assert counts[:, :2].sum() == hits + false, "every find counts once"


def test_each_class_has_its_threshold_and_its_events(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detector = EventDetector.open(made / "model")
    assert [one.label for one in detector.classes] == CLASSES
    assert len(read_json(made / "model" / "model.json")["classes"]) == 2
    file = made / "recordings" / "bells" / "audio_03.wav"
    assert detector.scores(detector.frames(load(file)[0])).shape[1] == 2
    assert main(["events", str(made / "bundle"), str(file)]) == 0
    events = json.loads(capsys.readouterr().out)["Events"]
    assert {one["label"] for one in events} == set(CLASSES)
    assert [one["start"] for one in events] == sorted(one["start"] for one in events)
    assert main(["predict", str(made / "bundle"), str(file)]) == 0
    counts = Counter(one["label"] for one in events)
    named = f"{len(events)} events: Bell {counts['Bell']}, Knock {counts['Knock']}"
    assert json.loads(capsys.readouterr().out)["Details"]["Message"] == named


def test_report_shows_a_chart_of_each_class(made: Path) -> None:
    write_event_report(
        made / "report.html",
        archives=[made / "bells.zip"],
        features=made / "store",
        clips=made / "clips.csv",
        model=made / "model",
        results=made / "results",
    )
    page = read_page(made / "report.html")
    [strips] = [one for one in page.all("div") if one.attributes.get("class") == "strips"]
    for strip in strips.all("article"):
        titles = [one.text for one in strip.all("div") if one.attributes.get("class") == "y-label"]
        assert titles[-2:] == CLASSES
    text = (made / "report.html").read_text()
    assert "labelled Bell" in text
    assert "score for Knock" in text


def run(*command: Path) -> str:
    """Run a compiled program and return what it prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_c_finds_the_events_of_the_int8_network(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require("gcc")
    folder = made / "bundle" / "c"
    strict = ("-Wconversion", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    selftest = compile_c(folder, tmp_path / "selftest", *SELFTEST, *CORE, flags=strict)
    assert run(selftest).startswith("ok")
    header = (folder / "test" / "golden.h").read_text()
    assert "GOLDEN_EVENTS" in header
    listen = compile_c(folder, tmp_path / "listen", LISTEN, *CORE, flags=strict)
    seen: Counter[str] = Counter()
    for file in sorted((made / "recordings" / "bells").glob("*.wav")):
        printed = [line.split("\t") for line in run(listen, file).splitlines()]
        assert main(["events", str(made / "bundle"), str(file), "--network", "int8"]) == 0
        listed = json.loads(capsys.readouterr().out)["Events"]
        expected = [(one["label"], one["start"], one["end"], one["reported_at"]) for one in listed]
        rows = [(row[4], *map(float, row[:3])) for row in printed]
        assert sorted(rows) == sorted(expected)
        seen.update(row[0] for row in rows)
    assert min(seen[label] for label in CLASSES) > 20


@pytest.mark.parametrize("board", EXAMPLES)
def test_example_of_a_board_names_the_class_of_every_event(
    board: str, made: Path, tmp_path: Path
) -> None:
    folder, file = made / "bundle" / "c", made / "recordings" / "bells" / "audio_03.wav"
    columns, *rows = run_example(
        build_example(folder, board, tmp_path / "example"),
        soundfile.read(file, dtype="int16")[0],
    )
    expected = run_listen(folder, tmp_path / "listen", file)
    found = [row for row in rows if len(row) == len(columns)]
    assert found == expected[: len(found)]
    assert len(found) >= len(expected) - len(CLASSES), "those in progress at the end are missing"
    assert {row[columns.index("class")] for row in found} == set(CLASSES)
