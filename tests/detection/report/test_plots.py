"""The figures: where marks lie, what is counted, what is said beside them."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from stethoscope.detection.report.deviations import band_centres, excess, smooth, strongest_bands
from stethoscope.detection.report.plots import write_loss_page
from stethoscope.report.charts import Axis, Chart, frequency_axis
from stethoscope.report.words import count, hertz, number, percent, short
from stethoscope.sound.logmel import LogMel
from tests.report.fixtures import read_page

librosa = pytest.importorskip("librosa")


def test_a_line_runs_through_its_points() -> None:
    chart = Chart(Axis.linear(0, 10, "s"), Axis.linear(-1, 1, "dB"))
    chart.line([0, 5, 10, 20], [-1, 0, 1, 5], "normal")
    assert 'd="M0.0 1000.0L500.0 500.0L1000.0 0.0L1000.0 0.0"' in chart.html("a line")


def test_bars_stand_on_zero() -> None:
    chart = Chart(Axis.linear(0, 2, "score"), Axis.linear(-2, 2, "clips"))
    chart.bars([0, 1, 2], [2, -1], "normal")
    assert 'd="M0.0 500.0V0.0H500.0V500.0ZM500.0 500.0V750.0H1000.0V500.0Z"' in chart.html("bars")


def test_ticks_are_round_and_inside() -> None:
    assert [text for _, text in Axis.linear(-0.02, 9.98, "s").ticks] == [
        "0",
        "2",
        "4",
        "6",
        "8",
        "10",
    ]
    assert [text for _, text in Axis.linear(-3, 3, "score", ticks=3).ticks] == ["−2", "0", "2"]
    assert [value for value, _ in Axis.linear(1, 3, "epoch", whole=True).ticks] == [1, 2, 3]
    constant = Axis.linear(5, 5, "score")
    assert constant.low < 5 < constant.high


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels"), [(16000, 1024, 128), (48000, 2048, 64), (16000, 512, 128)]
)
def test_bands_lie_where_librosa_puts_them(rate: int, n_fft: int, n_mels: int) -> None:
    centres = band_centres(LogMel(sample_rate=rate, n_fft=n_fft, n_mels=n_mels))
    expected = librosa.mel_frequencies(n_mels + 2, fmax=rate / 2)[1:-1]
    assert (np.diff(centres) >= 0).all()
    # The filters are sampled at the lines of the spectrum.
    np.testing.assert_allclose(centres, expected, atol=1.5 * rate / n_fft)


def test_frequencies_are_written_where_they_fall() -> None:
    centres = np.linspace(0, 8000, 81)
    axis = frequency_axis(centres)
    ticks = {text: value for value, text in axis.ticks}
    assert ticks["1"] == pytest.approx(10)
    assert ticks["4"] == pytest.approx(40)
    assert (axis.low, axis.high) == (-0.5, 80.5)


def test_smoothing_is_a_moving_mean() -> None:
    values = np.random.default_rng(0).random((40, 12))
    np.testing.assert_allclose(
        smooth(values, frames=7, bands=3), uniform_filter(values, (7, 3), mode="mirror"), rtol=1e-12
    )
    assert smooth(values[:1], frames=7, bands=1).shape == (1, 12)


def test_the_strongest_bands_are_found() -> None:
    centres = 100.0 * np.arange(1, 41)
    anomalous = np.ones(40)
    anomalous[20:30] = 4.0
    low, high, times = strongest_bands(excess(anomalous, np.ones(40)), centres)
    assert times == pytest.approx(4.0)
    assert (low, high) == (2100.0, 3000.0)


def test_a_band_in_which_nothing_ever_deviates_is_no_infinite_excess() -> None:
    assert np.isfinite(excess(np.ones(3), np.array([0.0, 1.0, 1.0]))).all()
    assert np.isfinite(excess(np.zeros(3), np.zeros(3))).all()


def test_the_loss_page_tells_the_last_losses(tmp_path: Path) -> None:
    write_loss_page(
        tmp_path / "loss.html",
        {"fan": {"loss": [9.0, 4.0, 2.5], "val_loss": [9.5, 5.0, 3.25]}, "<b>": {"loss": [1.0]}},
    )
    page = read_page(tmp_path / "loss.html")
    assert "training clips, 2.5 at the end" in page.text
    assert "held-out normal clips, 3.25 at the end" in page.text
    assert [one.text for one in page.all("figcaption")] == ["fan", "<b>"]
    assert (tmp_path / "loss.html").stat().st_size < 50_000


def test_the_loss_page_says_when_there_are_no_curves(tmp_path: Path) -> None:
    write_loss_page(tmp_path / "loss.html", {})
    page = read_page(tmp_path / "loss.html")
    assert "it has no loss curves" in page.text
    assert not page.all("svg")


def test_words() -> None:
    assert [count(n, "clip") for n in (0, 1, 1200)] == ["0 clips", "1 clip", "1,200 clips"]
    shares = {
        0: "0",
        1e-5: "0.1",
        0.034: "3.4",
        0.05: "5",
        0.0996: "10",
        0.505: "50",
        0.9987: "99.9",
        0.99999: "99.9",
        1: "100",
    }
    assert [percent(share) for share in shares] == [f"{text}\u00a0%" for text in shares.values()]
    assert [hertz(low, high) for low, high in ((120, 480), (950, 1000), (2000, 2040))] == [
        "120 to 480 Hz",
        "0.9 to 1.0 kHz",
        "2.0 kHz",
    ]
    assert number(-12.3456) == "−12.35"
    assert short("a" * 50 + "b" * 50, 20) == "a" * 9 + "…" + "b" * 10
