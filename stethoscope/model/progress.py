"""Progress of the training of a network."""

from stethoscope.progress import Bar


class EpochProgress:
    """Shows the epochs of a training with their losses.

    Parameters
    ----------
    label : str
        What is trained, for example ``train fan``.
    epochs : int
        Number of epochs expected.
    verbose : {0, 1, 2}
        0 shows nothing, 1 a progress bar, 2 a line per epoch.
    """

    def __init__(self, label: str, epochs: int, verbose: int = 1) -> None:
        self._epochs = epochs
        self._lines = verbose == 2
        self._bar = Bar(label, epochs, unit="epoch") if verbose == 1 else None

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Show an epoch, counted from 0, with its losses."""
        shown = {name: value for name, value in logs.items() if _is_shown(name)}
        losses = "  ".join(f"{name} {value:.5g}" for name, value in shown.items())
        if self._bar:
            self._bar.advance(losses)
        elif self._lines:
            print(f"epoch {epoch + 1}/{self._epochs}  {losses}", flush=True)

    def on_train_end(self) -> None:
        """Close the bar."""
        if self._bar:
            self._bar.close()


def _is_shown(name: str) -> bool:
    """Return whether a figure is not one of the parts that a loss is the sum of."""
    return name in ("loss", "val_loss") or not name.endswith("_loss")
