"""The parameters of the training and their ranges; no TensorFlow is loaded to know them."""

import json
from dataclasses import dataclass
from typing import Any

from stethoscope.detection.registry import DETECTORS
from stethoscope.errors import ParameterError, refuse
from stethoscope.options import split_list

SCORES = {name: detector.scores for name, detector in DETECTORS.items()}
"""The detectors, the default first, and how each can score, its default first."""


@dataclass(frozen=True, kw_only=True)
class DetectorOptions:
    """Which detector learns, and how it scores: the ``detector_*`` parameters of the training.

    Attributes
    ----------
    name : str
        One of `SCORES`.
    score : str
        How clips are scored; empty takes the detector's default.
    members : str
        Members of an ensemble, separated by commas.
    epochs : int
        Of the id-classifier.
    frames : int
        Frames per window of a network.
    """

    name: str = "pooled-gmm"
    score: str = ""
    members: str = "pooled-gmm,autoencoder"
    epochs: int = 16
    frames: int = 5

    def __post_init__(self) -> None:
        problems = []
        if self.name not in SCORES:
            problems.append(f"detector is {self.name!r}; choose one of {', '.join(SCORES)}")
        elif self.score not in ("", *SCORES[self.name]):
            problems.append(
                f"detector_score is {self.score!r}; {self.name} can score by {', '.join(SCORES[self.name])}"
            )
        if self.name == "ensemble":
            members = self.member_names
            if unknown := [name for name in members if name not in SCORES or name == "ensemble"]:
                choice = ", ".join(name for name in SCORES if name != "ensemble")
                problems.append(
                    f"detector_members holds {', '.join(unknown)}; choose from {choice}"
                )
            if len(set(members)) < max(2, len(members)):
                problems.append(
                    f"detector_members is {self.members!r}; name two different detectors or more"
                )
        if self.epochs < 1:
            problems.append(f"detector_epochs is {self.epochs}; it must be at least 1")
        refuse(problems)

    @property
    def scores_by(self) -> str:
        """How clips are scored."""
        return self.score or SCORES[self.name][0]

    @property
    def kinds(self) -> list[str]:
        """The names of all detectors that are fitted: that of the detector, or those of an
        ensemble's members.
        """
        return self.member_names if self.name == "ensemble" else [self.name]

    @property
    def member_names(self) -> list[str]:
        """The names of an ensemble's members."""
        return split_list(self.members)


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How a network is compiled and fitted; the names are Keras's.

    Attributes
    ----------
    compile_optimizer, compile_loss : str
        Keras's names, or their JSON configuration.
    epochs, batch_size : int
    shuffle : bool
        Whether windows are drawn in random order, across all clips.
    validation_split : float
        Share of the recordings of every machine id that is held out, 0 to below 1.
    verbose : {0, 1, 2}
        0 silent, 1 a progress bar, 2 a line per epoch.
    epoch_share : float
        Share of the training windows that one epoch takes, above 0 to 1, drawn anew for every
        epoch. Windows one frame apart are nearly the same: a quarter of them teaches as much, in a
        third of the time. Where the training would have fewer than 20,000 steps left, batches
        shrink instead, at most in proportion.
    seed : int
        Of weights and of every draw.
    """

    compile_optimizer: str = "adam"
    compile_loss: str = "mean_squared_error"
    epochs: int = 100
    batch_size: int = 512
    shuffle: bool = True
    validation_split: float = 0.1
    verbose: int = 1
    epoch_share: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.epochs < 1:
            problems.append(f"fit_epochs is {self.epochs}; it must be at least 1")
        if self.batch_size < 1:
            problems.append(f"fit_batch_size is {self.batch_size}; it must be at least 1")
        if not 0 <= self.validation_split < 1:
            problems.append(
                f"fit_validation_split is {self.validation_split}; it must lie from 0 to below 1"
            )
        if self.verbose not in (0, 1, 2):
            problems.append(
                f"fit_verbose is {self.verbose}; choose 0 (silent), 1 (a bar) or 2 (a line per epoch)"
            )
        if not 0 < self.epoch_share <= 1:
            problems.append(
                f"detector_epoch_share is {self.epoch_share}; it must lie above 0 and up to 1"
            )
        if self.seed < 0:
            problems.append(f"seed is {self.seed}; it must not be negative")
        refuse([*problems, *self._unknown_to_keras()])

    @property
    def optimizer(self) -> str | dict[str, Any]:
        """The optimizer as Keras takes it: a name, or a configuration."""
        return _identifier(self.compile_optimizer)

    @property
    def loss(self) -> str | dict[str, Any]:
        """The loss as Keras takes it: a name, or a configuration."""
        return _identifier(self.compile_loss)

    def _unknown_to_keras(self) -> list[str]:
        """Ask Keras, which takes seconds to load, only about names that are not the defaults."""
        if (self.compile_optimizer, self.compile_loss) == (
            FitOptions.compile_optimizer,
            FitOptions.compile_loss,
        ):
            return []
        import keras

        problems = []
        for name, value, get in (
            ("optimizer", self.compile_optimizer, keras.optimizers.get),
            ("loss", self.compile_loss, keras.losses.get),
        ):
            try:
                get(_identifier(value))
            except (ValueError, TypeError, KeyError):
                problems.append(
                    f"fit_compile_{name} is {value!r}, which Keras does not know; see its documentation"
                )
        return problems


def check_context(frames: int, *, predicts_middle: bool = False) -> None:
    """Refuse a window of less than one frame, or for interpolation one that has no middle between
    others.

    Raises
    ------
    ParameterError
        If `frames` cannot work.
    """
    if frames < 1:
        raise ParameterError(f"feature_frames is {frames}; it must be at least 1")
    if predicts_middle and (frames < 3 or frames % 2 == 0):
        raise ParameterError(
            f"feature_frames is {frames}; interpolation predicts the middle one of an odd number, 3 or more"
        )


def _identifier(value: str) -> str | dict[str, Any]:
    """Return a Keras name, or the configuration that `value` holds as JSON."""
    if not value.lstrip().startswith("{"):
        return value
    config: dict[str, Any] = json.loads(value)
    return config
