"""The report of the main pipeline: its texts, valid HTML, no network, and its size."""

import base64
import io
import re
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import stethoscope.report.page
from stethoscope.datasets.clips import Clip, Skipped
from stethoscope.detection.autoencoder.score import PredictionScorer
from stethoscope.detection.evidence import Evidence
from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.errors import ModelError
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.monitoring.report import write_report
from stethoscope.sound.logmel import LogMel
from tests.report.fixtures import Element, Page, Reporter, read_page


def by_condition(clip: Clip) -> float:
    """Find all anomalies of fan 00 and two of fan 02's three; raise one false alarm on fan 02."""
    number = int(clip.path[-5])
    if clip.condition == "anomaly":
        return 0.5 if clip.machine_id == "02" and number == 2 else 3.0 + number
    return 2.0 if clip.machine_id == "02" and number == 0 else 0.6 + 0.01 * number


def heading(page: Element) -> str:
    (title,) = page.all("h1")
    return title.text


def test_headline_counts_found_anomalies_and_false_alarms(report: Reporter) -> None:
    page = read_page(report(by_condition))
    assert "5 of 6 anomalous clips found, 1 false alarm in 6 normal clips." in page.text
    machines = {one.all("strong")[0].text: one.text for one in page.all("li") if one.all("strong")}
    assert "3 of 3 anomalous clips found, no false alarm in 3 normal clips" in machines["fan 00"]
    assert "2 of 3 anomalous clips found, 1 false alarm in 3 normal clips" in machines["fan 02"]
    assert "lowest AUC" in machines["fan 02"]
    assert "lowest AUC" not in machines["fan 00"]


def test_no_machine_has_the_lowest_auc_if_all_are_equal(report: Reporter) -> None:
    page = read_page(report(lambda clip: 3.0 if clip.condition == "anomaly" else 0.6))
    assert "1.000" in page.text
    assert "lowest AUC" not in page.text


def test_charts_have_descriptions_with_their_figures(report: Reporter) -> None:
    page = read_page(report(by_condition))
    descriptions = [
        str(one.attributes["aria-label"]).replace("\u00a0", " ")
        for one in page.all("div")
        if one.attributes.get("role") == "img"
    ]
    # fan 02: anomalies at 3, 4 and 0.5, normals at 2, 0.61 and 0.62: in six of nine pairs the
    # anomaly is higher.
    assert (
        "Receiver operating characteristic of fan: fan 00 AUC 1.000, fan 02 AUC 0.667"
        in descriptions
    )
    assert "False-alarm rate of fan on 6 normal test clips: 17 %, target 10 %" in descriptions
    assert (
        "Map of the clips of fan: "
        "16 normal training clips, 6 normal test clips, 6 anomalous test clips" in descriptions
    )
    assert any(
        text.startswith("Scores of fan 02: normal, 3 clips; anomalous, 3 clips; threshold 1.2")
        for text in descriptions
    )
    assert (
        sum(
            text.startswith("Contributions of the bands to the scores of fan 0")
            for text in descriptions
        )
        == 2
    )


def test_headline_names_a_single_machine(report: Reporter) -> None:
    page = read_page(report(lambda clip: by_condition(clip) if clip.machine_id == "00" else None))
    [title] = page.all("title")[:1]
    assert title.text == "fan 00: 3 of 3 anomalous clips found, no false alarm in 3 normal clips"


@pytest.mark.parametrize(
    ("kept", "title", "why"),
    [
        (
            "anomaly",
            "fan 00: 3 of 3 anomalous clips found, no normal clip to measure false alarms on",
            "no normal clips",
        ),
        (
            "normal",
            "fan 00: no false alarm in 3 normal clips, no anomalous clip to find",
            "",
        ),
    ],
)
def test_figures_that_cannot_be_computed_have_a_reason(
    report: Reporter, kept: str, title: str, why: str
) -> None:
    page = read_page(
        report(
            lambda clip: (
                by_condition(clip) if clip.machine == "fan/00" and clip.condition == kept else None
            )
        )
    )
    assert page.all("title")[0].text == title
    cells = [cell.text for cell in page.all("td")]
    if why:
        assert f"n/a{why}" in cells
    else:  # columns and warnings that say nothing about healthy recordings are left out
        assert not any("n/a" in cell for cell in cells)
        assert "AUC" not in [cell.text for cell in page.all("th")]
        assert "cautions" not in [one.attributes.get("id") for one in page.all("section")]


def test_page_is_valid_and_accessible(report: Reporter) -> None:
    page = read_page(report(by_condition))
    ids = [one.attributes["id"] for one in page.all() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    (contents,) = page.all("nav")
    assert [link.attributes["href"] for link in contents.all("a")] == [f"#{key}" for key in ids]
    levels = [int(one.name[1]) for one in page.all() if re.fullmatch("h[1-6]", one.name)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("alt" in one.attributes for one in page.all("img"))
    assert all(one.attributes.get("scope") in ("row", "col") for one in page.all("th"))
    assert all(
        one.attributes.get("aria-label")
        for one in page.all()
        if one.attributes.get("role") in ("img", "region")
    )
    assert all(one.attributes.get("aria-label") for one in page.all("audio"))
    (language,) = page.all("html")
    assert language.attributes["lang"] == "en"


def test_page_needs_no_network(report: Reporter) -> None:
    path = report(by_condition)
    page = read_page(path)
    addresses = [
        value
        for one in page.all()
        for key, value in one.attributes.items()
        if key in ("src", "href", "poster", "data", "action")
    ]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses if address is not None)
    (style,) = page.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text
    assert not page.all("link")
    assert not page.all("iframe")


def players(page: Element) -> dict[str, bytes]:
    """Return what can be played, by the clip's name."""
    return {
        str(one.attributes["aria-label"]).removeprefix("Recording "): base64.b64decode(
            str(one.attributes["src"]).partition(",")[2]
        )
        for one in page.all("audio")
    }


def test_sounds_are_the_recordings_with_one_gain(report: Reporter, fan_archive: Path) -> None:
    sounds = players(read_page(report(by_condition)))
    assert "fan/test/anomaly_id_02_00000002.wav" in sounds  # the one that was missed
    assert len(sounds) == len(set(sounds))
    gains = []
    with zipfile.ZipFile(fan_archive) as archive:
        for name, flac in sounds.items():
            played, rate = soundfile.read(io.BytesIO(flac))
            original, original_rate = soundfile.read(io.BytesIO(archive.read(name)))
            assert rate == original_rate == 16000
            gain = float(played @ original / (original @ original))
            np.testing.assert_allclose(played, gain * original, atol=2**-15)
            gains.append(gain)
    np.testing.assert_allclose(gains, gains[0], rtol=1e-3)


def test_long_recording_is_cut_to_its_part_that_contributes_most(
    report: Reporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        PredictionScorer,
        "evidence",
        lambda _self, frames, _machine: Evidence(3.0, 10 ** (frames / 10), {}),
    )  # loud is anomalous
    rng = np.random.default_rng(0)
    hum = 0.01 * rng.standard_normal(48000 * 14)
    burst = hum.copy()
    burst[48000 * 12 : 48000 * 13] += 0.3 * np.sin(2 * np.pi * 2000 * np.arange(48000) / 48000)
    folder = tmp_path / "long"
    folder.mkdir()
    for name, samples in (("normal", hum), ("anomaly", burst)):
        soundfile.write(folder / f"{name}.wav", samples, 48000)
    common = {"machine_type": "fan", "machine_id": "00", "split": "test", "source": "long"}
    clips = [
        Clip(path=f"{name}.wav", recording=name, condition=name, **common)
        for name in ("normal", "anomaly")
    ]
    extract_features([folder], clips, LogMel(n_mels=32, sample_rate=16000), tmp_path / "store")
    page = read_page(
        report(
            lambda clip: 3.0 if clip.condition == "anomaly" else 0.5,
            archives=[folder],
            features=tmp_path / "store",
        )
    )
    played, rate = soundfile.read(io.BytesIO(players(page)["anomaly.wav"]))
    assert rate == 16000
    assert 9.9 * rate < len(played) <= 10 * rate
    spectrum = np.abs(np.fft.rfft(played))
    assert np.argmax(spectrum) * rate / len(played) == pytest.approx(
        2000, abs=2
    )  # the burst, late in the clip, is in it
    assert "longer than 10 s" in page.text
    (peak,) = {one.text for one in page.all("p") if one.text.startswith("Strongest around")}
    seconds = re.search(r"around ([\d.]+) s, near 2.\d kHz", peak)
    assert seconds
    assert 12 <= float(seconds[1]) <= 13


def test_names_from_outside_are_escaped(
    report: Reporter, fan_archive: Path, tmp_path: Path
) -> None:
    name = "fan/<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>.wav"
    machine_id = '"><svg onload=alert(1)>'
    with zipfile.ZipFile(fan_archive) as archive:
        sound = archive.read("fan/test/anomaly_id_00_00000000.wav")
    hostile = tmp_path / "<b onclick=alert(1)>.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr(name, sound)
    clip = Clip(
        path=name,
        recording="1",
        machine_type="fan",
        machine_id=machine_id,
        split="test",
        condition="anomaly",
        source=hostile.name,
    )
    extract_features([hostile], [clip], LogMel(n_mels=32), tmp_path / "store")
    page = read_page(
        report(
            lambda _: 3.0,
            archives=[hostile],
            features=tmp_path / "store",
            skipped=[Skipped(hostile.name, name, "<iframe src=//x>: <script>")],
            warnings=["<style>*{display:none}</style>", "fan/</ul><script>: bad"],
        )
    )
    assert len(page.all("script")) == 1
    assert len(page.all("style")) == 1
    assert not [key for one in page.all() for key in one.attributes if key.startswith("on")]
    assert {one.name for one in page.all()} <= {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "script",
            "body",
            "header",
            "main",
            "footer",
            "nav",
            "section",
            "article",
            "figure",
        ),
        *(
            "figcaption",
            "h1",
            "h2",
            "h3",
            "h4",
            "p",
            "span",
            "small",
            "strong",
            "i",
            "b",
            "a",
            "code",
            "div",
            "dl",
            "dt",
            "dd",
            "ul",
            "li",
        ),
        *(
            "table",
            "thead",
            "tbody",
            "tfoot",
            "tr",
            "th",
            "td",
            "svg",
            "path",
            "img",
            "audio",
            "details",
            "summary",
        ),
    } | {"title"}
    assert machine_id in page.all("title")[0].text
    assert name in page.text
    assert "<style>*{display:none}</style>" in page.text
    assert len(players(page)) == 1


def test_page_stays_below_its_size_and_notes_what_was_left_out(
    report: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = report(by_condition)
    assert whole.stat().st_size < stethoscope.report.page.MAX_BYTES
    sounds = len(players(read_page(whole)))
    limit = whole.stat().st_size - 30_000
    monkeypatch.setattr(
        stethoscope.report.page,
        "MAX_BYTES",
        limit + stethoscope.report.page._FRAME_BYTES - 20_000,
    )
    smaller = report(by_condition)
    page = read_page(smaller)
    assert smaller.stat().st_size < limit
    assert 0 < len(players(page)) < sounds
    assert "were left out" in page.text


@pytest.mark.parametrize(
    "content", [None, b"", b"PK\3\4 cut off"], ids=["absent", "empty", "broken"]
)
def test_report_without_sounds_if_the_archive_is_unreadable(
    report: Reporter, fan_archive: Path, tmp_path: Path, content: bytes | None
) -> None:
    archives = []
    if content is not None:
        archives = [tmp_path / fan_archive.name]
        archives[0].write_bytes(content)
    page = read_page(report(by_condition, archives=archives))
    assert not players(page)
    assert "could not be read again" in page.text
    assert page.all("img")  # the pictures come from the feature store


def test_skipped_recordings_and_warnings_are_listed(report: Reporter) -> None:
    skipped = [
        Skipped("fan.zip", f"fan/test/{number:03}.wav", "holds no samples") for number in range(250)
    ]
    page = read_page(
        report(
            by_condition,
            skipped=skipped,
            warnings=[
                "fan/00: computed from 3 clips",
                "fan/02: computed from 3 clips",
                "nothing was held out",
            ],
        )
    )
    assert "250 recordings could not be used; they are listed at the end" in page.text
    assert "fan.zip/fan/test/199.wav" in page.text
    assert "fan.zip/fan/test/200.wav" not in page.text
    assert "50 more are listed in evaluation.json" in page.text
    items = [one.text for one in page.all("li")]
    assert "fan 00, fan 02: computed from 3 clips" in items
    assert "nothing was held out" in items


def test_incomplete_folder_leaves_the_old_report(
    fan_archive: Path, fan_store: Path, fan_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text("the last one")
    with pytest.raises(ModelError, match=r"evaluation\.json"):
        write_report(
            path, archives=[fan_archive], features=fan_store, model=fan_model, results=tmp_path
        )
    assert path.read_text() == "the last one"


def test_report_of_a_real_evaluation(
    fan_archive: Path, fan_store: Path, fan_model: Path, fan_results: Path, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    write_report(
        path, archives=[fan_archive], features=fan_store, model=fan_model, results=fan_results
    )
    page = read_page(path)
    assert len(FeatureStore.open(fan_store).clips) > len(players(page)) >= 4
    assert re.search(r"of 6 anomalous clips found, .* in 6 normal clips", page.text)
    assert heading(page).startswith(("Ready", "Not ready"))
    assert "held-out normal clips" in page.text  # the loss curves
    assert "tensorflow" in page.text  # the versions


def test_section_of_the_manual_works(fan_store: Path, fan_model: Path, fan_results: Path) -> None:
    manual = Path(__file__).resolve().parents[2] / "docs" / "report.md"
    example = re.search(r"```python\n(.*?)```", manual.read_text(encoding="utf-8"), re.DOTALL)
    assert example
    defined: dict[str, Any] = {}
    exec(example[1], defined)
    inputs = DetectionInputs.read(features=fan_store, model=fan_model, results=fan_results)
    cells = Page(defined["peak_section"](inputs).html).root.all("td")
    highest = [max(clip.score for clip in clips) for clips in inputs.by_machine.values()]
    assert [float(one.text) for one in cells] == pytest.approx(highest, rel=1e-3)
