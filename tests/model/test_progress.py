import pytest

from stethoscope.model.progress import EpochProgress

LOSSES = {"loss": 0.5, "val_loss": 0.25}


def _show(verbose: int) -> None:
    progress = EpochProgress("train fan", 2, verbose)
    for epoch in range(2):
        progress.on_epoch_end(epoch, LOSSES)
    progress.on_train_end()


def test_verbose_2_prints_a_line_per_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    _show(verbose=2)
    assert capsys.readouterr().out.splitlines() == [
        "epoch 1/2  loss 0.5  val_loss 0.25",
        "epoch 2/2  loss 0.5  val_loss 0.25",
    ]


def test_verbose_1_shows_progress_beside_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    _show(verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == "train fan 2/2  loss 0.5  val_loss 0.25"


def test_verbose_0_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _show(verbose=0)
    assert capsys.readouterr() == ("", "")
