"""Training curves."""

from pathlib import Path

from stethoscope.report.training import training_charts, write_loss_page
from tests.report.fixtures import Page, read_page


def test_loss_page_has_the_last_losses(tmp_path: Path) -> None:
    write_loss_page(
        tmp_path / "loss.html",
        {"fan": {"loss": [9.0, 4.0, 2.5], "val_loss": [9.5, 5.0, 3.25]}, "<b>": {"loss": [1.0]}},
    )
    page = read_page(tmp_path / "loss.html")
    assert "training clips, 2.5 at the end" in page.text
    assert "held-out normal clips, 3.25 at the end" in page.text
    assert [one.text for one in page.all("figcaption")] == ["fan", "<b>"]
    assert (tmp_path / "loss.html").stat().st_size < 50_000


def test_loss_page_of_a_detector_without_curves_has_a_sentence(tmp_path: Path) -> None:
    write_loss_page(tmp_path / "loss.html", {})
    page = read_page(tmp_path / "loss.html")
    assert "has no training curves" in page.text
    assert not page.all("svg")


def test_charts_have_both_curves_and_the_epoch_that_is_kept() -> None:
    curves = {
        "loss": [2.0, 1.0],
        "val_loss": [2.5, 1.5],
        "accuracy": [0.5, 0.8],
        "val_accuracy": [0.4, 0.7],
    }
    page = Page(training_charts(curves, best_epoch=2)).root
    assert [one.text for one in page.all("figcaption")] == ["Loss", "Accuracy"]
    assert "training clips, 1 at the end" in page.text
    assert "validation clips, 70\u00a0% at the end" in page.text
    assert page.text.count("kept: epoch 2") == 2


def test_charts_without_validation_have_one_curve() -> None:
    text = Page(training_charts({"loss": [2.0, 1.0], "accuracy": [0.5, 0.8]}, 0)).root.text
    assert "validation" not in text
    assert "kept" not in text
