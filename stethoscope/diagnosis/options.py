"""The parameters of the diagnosis: groups of faults, and the classifier that recognises them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from stethoscope.classification.options import AUGMENTATIONS, TEST_SPLIT, ClassFit
from stethoscope.diagnosis.model import fault_label
from stethoscope.errors import ParameterError
from stethoscope.options import Group, Options, Parameter, Problem, Range, option, seed_option
from stethoscope.sound.mfcc import Mfcc

Description = Literal["deviation", "plain", "flat"]

AUTOMATIC = -1
PLOTS = (
    "variance",
    "scatter",
    "elbow",
    "map",
    "map3d",
    "distances",
    "table",
    "clips",
    "confusion",
    "curves",
    "probabilities",
)


def parse_names(text: str) -> tuple[str, ...]:
    """Return the names in a text, separated by commas; an empty entry leaves its group unnamed."""
    names = [name.strip() for name in text.split(",")]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


@dataclass(frozen=True, kw_only=True)
class FaultOptions(Options):
    """How anomalous clips are grouped by fault."""

    groups: int = option(
        AUTOMATIC,
        "Number of groups of faults: -1 chooses it by elbow and silhouette, 0 groups nothing.",
        least=AUTOMATIC,
    )
    description: Description = option(
        "deviation",
        "What describes a clip: deviation (its mean frame less that of the normal clips of its own "
        "machine and signal-to-noise ratio), plain (its mean frame) or flat (all its frames end to "
        "end, as long as the median clip). By plain and flat, groups follow the machines.",
    )
    components: int = option(
        2, "Number of principal components by which clips are grouped.", least=1
    )
    names: tuple[str, ...] = option(
        (),
        "Names of the groups, from the largest group, separated by commas; an empty one leaves its "
        "group unnamed.",
        parse=parse_names,
    )
    normal_clips: int = option(
        AUTOMATIC,
        "Normal clips per machine id and signal-to-noise ratio that anomalous clips are compared "
        "with: -1 takes as many as there are anomalous ones, but at least 30; 0 takes all.",
        least=AUTOMATIC,
    )
    seed: int = seed_option()

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between several fields."""
        if 0 < self.groups < len(self.names):
            text = f"has {len(self.names)} names, but {{groups}} is {self.groups}"
            yield Problem("names", f"{text}; give at most one name for each group")
        for number, name in enumerate(self.names, start=1):
            try:
                fault_label(number, name)
            except ParameterError as error:
                yield Problem("names", f"cannot be used: {error}")


def _holdout_problem(holdout_id: str) -> str:
    return "name one machine id, such as 06 or fan/06" if "," in holdout_id else ""


HOLDOUT_ID = Parameter(
    "fault_holdout_id",
    str,
    "",
    "Machine id that the classifier of faults is not trained on, but tested on, beside the test on "
    "a fraction of the recordings of the other machines; empty for none.",
    rule=_holdout_problem,
)
FAULT_PLOTS = Parameter(
    "fault_plots",
    str,
    ",".join(PLOTS),
    "Plots of the diagnosis in the report, separated by commas.",
    Range(choices=PLOTS),
    is_list=True,
)
FAULTS = Group(FaultOptions, "fault_", names={"seed": "seed"})
CEPSTRA = Group(
    Mfcc,
    "fault_",
    fields=("sample_rate", "channel", "n_fft", "hop_length", "n_mfcc"),
    names={"channel": "feature_channel"},
    subject="diagnosis",
)
FAULT_FIT = Group(
    ClassFit,
    "class_",
    names={"seed": "seed"},
    fixed={"network": "mfcc-cnn"},
    defaults={
        "window": 64,
        "filters": (8, 16, 32, 64),
        "epochs": 16,
        "patience": 16,
        "batch_size": 32,
        "epoch_steps": 16,
        "validation_split": 0.2,
    },
    subject="diagnosis",
)
DIAGNOSIS = (FAULTS, HOLDOUT_ID, FAULT_PLOTS, CEPSTRA, AUGMENTATIONS, FAULT_FIT, TEST_SPLIT)
"""All of them, as parts of the main pipeline's parameters."""
