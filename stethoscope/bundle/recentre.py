"""Moving the thresholds of a bundle to recordings of the place where it is used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.edit import set_thresholds
from stethoscope.bundle.inference import Inference
from stethoscope.counts import count
from stethoscope.detection.recentring import (
    ENOUGH_CLIPS,
    LEAST_CLIPS,
    Recentring,
    outliers,
    recentre,
)
from stethoscope.detection.thresholds import Thresholds
from stethoscope.errors import AudioError, ParameterError
from stethoscope.machines import format_machine
from stethoscope.progress import warn


@dataclass(frozen=True)
class Recentred:
    """What was done to one machine of a bundle.

    Attributes
    ----------
    machine : str
        ``fan/00``; an unknown id is ``fan/``.
    change : Recentring
    alarms_before, alarms_after : int
        Given clips above the threshold.
    warnings : tuple of str
    """

    machine: str
    change: Recentring
    alarms_before: int
    alarms_after: int
    warnings: tuple[str, ...]


def recentre_bundle(
    bundle: Bundle, files: Sequence[Path], *, machine_id: str = ""
) -> list[Recentred]:
    """Move the thresholds of a bundle to recordings of the place where it is used.

    The recordings should be of a healthy machine. Thresholds that were moved before are moved anew,
    from where they were fitted. A file that cannot be used is left out, with a warning.

    Parameters
    ----------
    bundle : Bundle
    files : sequence of Path
        About a dozen recordings of each machine.
    machine_id : str
        As for a verdict.

    Raises
    ------
    ParameterError
        If there are too few usable recordings of a machine. The bundle is then left as it is.
    """
    before = bundle.thresholds
    done = [
        _recentred(before, machine, scores)
        for machine, scores in _scores(Inference(bundle), files, machine_id).items()
    ]
    changes = {one.machine: one.change for one in done}
    set_thresholds(bundle, replace(before, recentred={**before.recentred, **changes}))
    return done


def undo_recentring(bundle: Bundle) -> None:
    """Put all thresholds of a bundle back to where they were fitted."""
    set_thresholds(bundle, replace(bundle.thresholds, recentred={}))


def _scores(
    inference: Inference, files: Sequence[Path], machine_id: str
) -> dict[str, dict[str, float]]:
    """Return the scores of recordings by machine and name."""
    scores: dict[str, dict[str, float]] = {}
    for file in dict.fromkeys(files):
        try:
            verdict = inference.verdict(file, machine_id=machine_id)
        except AudioError as error:
            warn(f"left out: {error}")
            continue
        scores.setdefault(verdict.machine, {})[str(file)] = verdict.score
    if not scores:
        raise ParameterError("none of the recordings can be used; give recordings of the machine")
    for machine, of_machine in scores.items():
        if len(of_machine) < LEAST_CLIPS:
            raise ParameterError(
                f"{format_machine(machine)}: {count(len(of_machine), 'recording')} cannot be "
                "re-centred on; "
                f"give {LEAST_CLIPS} or more, better a dozen"
            )
    return scores


def _recentred(before: Thresholds, machine: str, scores: Mapping[str, float]) -> Recentred:
    normal_scores = before.normal_scores(machine)
    change = recentre(normal_scores, scores, date=date.today().isoformat())
    after = replace(before, recentred={machine: change})
    return Recentred(
        machine,
        replace(change, files=tuple(Path(file).name for file in change.files)),
        sum(before.decide(score, machine) for score in scores.values()),
        sum(after.decide(score, machine) for score in scores.values()),
        tuple(_warnings(machine, scores, outliers(normal_scores, scores))),
    )


def _warnings(machine: str, scores: Mapping[str, float], far: Sequence[str]) -> list[str]:
    texts = []
    if len(scores) < ENOUGH_CLIPS:
        texts.append(
            f"{format_machine(machine)}: {len(scores)} recordings show little of the place; "
            "give about a dozen"
        )
    if far:
        names = ", ".join(Path(file).name for file in far)
        texts.append(
            f"{format_machine(machine)}: the recordings look mixed, {len(far)} of {len(scores)} "
            f"score far above the others: {names}; listen to them, and if they may be faulty, "
            "give the others alone"
        )
    return texts
