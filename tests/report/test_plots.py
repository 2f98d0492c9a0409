"""The figures of a page as SVG files."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from stethoscope.report.blocks import card
from stethoscope.report.charts import Axis, Chart, legend
from stethoscope.report.page import Header, report_page, section
from stethoscope.report.plots import write_plots
from stethoscope.report.spectrogram import spectrogram
from stethoscope.sound.logmel import LogMel

SVG = "{http://www.w3.org/2000/svg}"


def page() -> str:
    """Return a page with a chart and a spectrogram."""
    chart = Chart(Axis.linear(0, 10, "time, s"), Axis.linear(0, 1, "score <1>"))
    chart.line([0, 10], [0, 1], "normal")
    chart.dots([5], [0.5], "anomaly")
    chart.rule(5, "limit", "threshold & note")
    drawn = card("Scores", chart.html("Scores of fan 00: one line"), legend(("line normal", "a")))
    frames = np.linspace(-60, 0, 100 * 32, dtype=np.float32).reshape(100, 32)
    picture = spectrogram(frames, LogMel(n_mels=32, sample_rate=16000), "Spectrogram of a.wav")
    sections = [section("scores", "Scores", drawn), section("clips", "Clips", picture)]
    return report_page(Header("T", [], headline="T", summary="S"), sections)


def test_every_figure_is_a_file_of_its_own(tmp_path: Path) -> None:
    names = write_plots(tmp_path / "plots", page())
    assert names == ["scores-01-scores-of-fan-00.svg", "clips-01-spectrogram-of-a-wav.svg"]
    assert sorted(one.name for one in (tmp_path / "plots").iterdir()) == sorted(names)
    root = ET.parse(tmp_path / "plots" / names[0]).getroot()
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert {"time, s", "score <1>", "threshold & note", "a", "10"} <= set(texts)
    # From the lower left to the upper right corner of a box of 556 by 264 at (64, 44).
    line = next(one for one in root.iter(f"{SVG}path") if one.get("stroke") == "#0a64a4")
    assert line.get("d") == "M64.0 308.0L620.0 44.0"


def test_pictures_are_png_and_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    _, name = write_plots(tmp_path / "plots", page())
    text = (tmp_path / "plots" / name).read_text()
    assert re.findall(r'href="([^"]{22})', text) == ["data:image/png;base64,"]
    assert "class=" not in text
    assert "var(" not in text


def test_figures_of_an_earlier_report_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "old.svg").write_text("old")
    write_plots(tmp_path / "plots", page())
    assert not (tmp_path / "plots" / "old.svg").exists()


@pytest.mark.skipif(shutil.which("rsvg-convert") is None, reason="no rsvg-convert")
def test_figures_are_drawn_by_another_program(tmp_path: Path) -> None:
    for name in write_plots(tmp_path / "plots", page()):
        subprocess.run(
            ["rsvg-convert", tmp_path / "plots" / name, "-o", tmp_path / "a.png"], check=True
        )
        assert (tmp_path / "a.png").stat().st_size > 1000
