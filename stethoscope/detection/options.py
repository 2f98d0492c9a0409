"""The parameters of anomaly detection; no TensorFlow is loaded to know them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from stethoscope.detection.registry import DETECTORS
from stethoscope.errors import shown
from stethoscope.options import Group, Options, Parameter, Problem, Range, option, seed_option
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.sampled import SampledLogMel

SCORES = {name: detector.scores for name, detector in DETECTORS.items()}
"""The detectors, the default first, and how each can score, its default first."""

_SCORES_IN_WORDS = "; ".join(
    f"{name}: {' or '.join(scores)}" for name, scores in SCORES.items() if len(scores) > 1
)

ThresholdMethod = Literal["gamma", "empirical"]


@dataclass(frozen=True, kw_only=True)
class DetectorOptions(Options):
    """Which detector learns, and how it scores."""

    name: str = option(
        "pooled-gmm",
        "Detector that learns normal sound: pooled-gmm (takes seconds), autoencoder (the DCASE "
        "2020 baseline), interpolation, id-classifier or ensemble; docs/detectors.md compares "
        "them.",
        choices=SCORES,
    )
    score: str = option(
        "",
        f"How a clip is scored ({_SCORES_IN_WORDS}); empty takes the first.",
    )
    members: tuple[str, ...] = option(
        ("pooled-gmm", "autoencoder"),
        "Members of an ensemble, separated by commas.",
        choices=[name for name, detector in DETECTORS.items() if not detector.combines],
        used_by="ensemble",
    )
    epochs: int = option(16, "Most epochs of the id-classifier.", least=1, used_by="id-classifier")
    frames: int = option(5, "Frames per window of a network.", least=1)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between several fields."""
        if self.score not in ("", *SCORES[self.name]):
            text = (
                f"is {shown(self.score)}; {self.name} can score by {', '.join(SCORES[self.name])}"
            )
            yield Problem("score", text)
        if self._combines and len(set(self.members)) < max(2, len(self.members)):
            text = f"is {shown(','.join(self.members))}; name two different detectors or more"
            yield Problem("members", text)
        if "interpolation" in self.kinds and (self.frames < 3 or self.frames % 2 == 0):
            text = f"is {self.frames}; interpolation predicts the middle frame of an odd number"
            yield Problem("frames", f"{text}, 3 or more")

    @property
    def scores_by(self) -> str:
        """How clips are scored."""
        return self.score or SCORES[self.name][0]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of all detectors that are fitted: the detector's, or its members'."""
        return self.members if self._combines else (self.name,)

    @property
    def needs_samples(self) -> bool:
        """Whether the detector needs the samples of a clip beside its log-mel spectrogram."""
        return any(DETECTORS[kind].samples for kind in self.kinds)

    def feature(self, log_mel: LogMel) -> LogMel:
        """Return the feature that the detector needs: `log_mel`, or the same with the samples."""
        return SampledLogMel.of(log_mel) if self.needs_samples else log_mel

    @property
    def _combines(self) -> bool:
        return DETECTORS[self.name].combines


@dataclass(frozen=True, kw_only=True)
class FitOptions(Options):
    """How a network is compiled and fitted; the names are Keras's.

    A share of the training windows can stand for all of them, because windows one frame apart are
    nearly the same. Where the training would then have fewer than 20,000 steps, batches become
    smaller instead, at most in proportion.
    """

    compile_optimizer: str = option("adam", "Keras's name of the optimizer.")
    compile_loss: str = option("mean_squared_error", "Keras's name of the loss.")
    epochs: int = option(100, "Epochs of training.", least=1)
    batch_size: int = option(512, "Windows per training step.", least=1)
    shuffle: bool = option(True, "Take the windows of all clips in random order.")
    validation_split: float = option(
        0.1,
        "Fraction of each machine's recordings that is held out from training; their scores set "
        "the thresholds. Where three or more recording sessions are known, whole ones are held "
        "out.",
        least=0,
        below=1,
    )
    verbose: int = option(
        1, "Progress of training: 0 none, 1 a progress bar, 2 a line per epoch.", choices=(0, 1, 2)
    )
    epoch_share: float = option(
        1.0,
        "Fraction of the training windows that each epoch uses, drawn anew for every epoch.",
        above=0,
        most=1,
    )
    seed: int = seed_option()

    @property
    def optimizer(self) -> str | dict[str, Any]:
        """The optimizer as Keras takes it: a name, or a configuration."""
        return _identifier(self.compile_optimizer)

    @property
    def loss(self) -> str | dict[str, Any]:
        """The loss as Keras takes it: a name, or a configuration."""
        return _identifier(self.compile_loss)


@dataclass(frozen=True, kw_only=True)
class ThresholdOptions(Options):
    """How thresholds are set."""

    false_alarm_rate: float = option(
        0.1,
        "Fraction of normal clips that may be called anomalous; it sets the thresholds.",
        above=0,
        below=1,
    )
    method: ThresholdMethod = option(
        "gamma",
        "How a threshold is computed from the scores of normal clips: gamma (fits a distribution) "
        "or empirical (a rank, assumes no distribution).",
    )


def _identifier(value: str) -> str | dict[str, Any]:
    """Return a Keras name, or the configuration that `value` holds as JSON."""
    if not value.lstrip().startswith("{"):
        return value
    config: dict[str, Any] = json.loads(value)
    return config


MAX_FPR = Parameter(
    "max_fpr", float, 0.1, "Largest false-positive rate of the partial AUC.", Range(above=0, most=1)
)
LOG_MEL = Group(LogMel, "feature_", without=("resampling",))
DETECTOR = Group(
    DetectorOptions, "detector_", names={"name": "detector", "frames": "feature_frames"}
)
THRESHOLDS = Group(ThresholdOptions, "detector_", names={"method": "detector_threshold"})
FIT = Group(FitOptions, "fit_", names={"epoch_share": "detector_epoch_share", "seed": "seed"})
