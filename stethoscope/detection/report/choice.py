"""Which clips are worth a person's time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median_low

import numpy as np

from stethoscope.detection.report.inputs import Inputs
from stethoscope.detection.scores import ScoredClip

MAX_REFERENCES = 3
"""Most machines with a normal clip to compare with."""


@dataclass(frozen=True)
class Group:
    """Clips that are shown for the same reason.

    Attributes
    ----------
    reason : str
        Why one of them is shown.
    clips : list of ScoredClip
    absence : str
        What it means if there are none; empty if it means nothing.
    """

    reason: str
    clips: list[ScoredClip]
    absence: str = ""


def choose(inputs: Inputs) -> list[Group]:
    """Return the clips to hear: the most anomalous, the errors, those nearest to the threshold, and
    normal ones to compare with.

    No clip is shown twice, and every group goes round the machines before it takes a second clip of
    one.
    """
    margin = _margins(inputs)
    taken: set[tuple[str, str]] = set()

    def take(
        wanted: Callable[[ScoredClip], bool], key: Callable[[ScoredClip], float], n: int
    ) -> list[ScoredClip]:
        fitting = [
            clip for clip in inputs.scored if wanted(clip) and (clip.source, clip.path) not in taken
        ]
        chosen = _round_robin(fitting, key, n)
        taken.update((clip.source, clip.path) for clip in chosen)
        return chosen

    missed = take(lambda clip: clip.condition == "anomaly" and not clip.decision, margin, 3)
    alarms = take(
        lambda clip: clip.condition == "normal" and clip.decision, lambda clip: -margin(clip), 2
    )
    most = take(
        lambda clip: clip.condition != "normal" and clip.decision, lambda clip: -margin(clip), 3
    )
    above = take(lambda clip: clip.decision, margin, 2)
    below = take(lambda clip: not clip.decision, lambda clip: -margin(clip), 2)
    references = _references(inputs, [*most, *missed, *alarms, *above, *below], taken)

    conditions = {clip.condition for clip in inputs.scored}
    return [
        Group("Most anomalous", most, "No anomalous clip lies above its threshold."),
        Group("For comparison: a typical normal clip", references),
        Group(
            "Missed anomaly",
            missed,
            "Every anomalous clip was found." if "anomaly" in conditions else "",
        ),
        Group(
            "False alarm",
            alarms,
            "No normal clip raised an alarm." if "normal" in conditions else "",
        ),
        Group("Just above the threshold", above),
        Group("Just below the threshold", below),
    ]


def _margins(inputs: Inputs) -> Callable[[ScoredClip], float]:
    """Return how far above its threshold a clip lies, in units of the spread of its machine's
    normal scores.
    """
    spread: dict[str, float] = {}
    for machine in inputs.by_machine:
        normal = [clip.score for clip in inputs.by_machine[machine] if clip.condition == "normal"]
        normal += [
            *inputs.normal_scores.held_out.get(machine, []),
            *inputs.normal_scores.trained.get(machine, []),
        ]
        spread[machine] = (
            float(np.subtract(*np.percentile(normal, [75, 25]))) if normal else 0.0
        ) or 1.0
    return lambda clip: (clip.score - clip.threshold) / spread[clip.machine]


def _round_robin(
    clips: Sequence[ScoredClip], key: Callable[[ScoredClip], float], n: int
) -> list[ScoredClip]:
    """Return `n` clips of the lowest key, a second one of a machine only after one of every other."""
    turns: dict[str, int] = {}
    order = []
    for clip in sorted(clips, key=key):
        turns[clip.machine] = turns.get(clip.machine, 0) + 1
        order.append((turns[clip.machine], key(clip), clip))
    return [clip for _, _, clip in sorted(order, key=lambda entry: entry[:2])[:n]]


def _references(
    inputs: Inputs, shown: Iterable[ScoredClip], taken: set[tuple[str, str]]
) -> list[ScoredClip]:
    """Return a typical normal clip of each machine shown: of the test part, or of the training part
    where that has none.
    """
    references = []
    for machine in list(dict.fromkeys(clip.machine for clip in shown))[:MAX_REFERENCES]:
        passed = [
            c
            for c in inputs.by_machine[machine]
            if c.condition == "normal" and not c.decision and (c.source, c.path) not in taken
        ]
        if passed:
            middle = median_low(clip.score for clip in passed)
            references.append(next(clip for clip in passed if clip.score == middle))
        elif machine in inputs.normal_training:
            references.append(_training_clip(inputs, inputs.normal_training[machine]))
    return references


def _training_clip(inputs: Inputs, positions: Sequence[int]) -> ScoredClip:
    position = positions[len(positions) // 2]
    clip = inputs.store.clips[position]
    score = inputs.scorer.score(np.array(inputs.store.clip_frames(position)), clip.machine)
    return ScoredClip(
        path=clip.path,
        machine_id=clip.machine_id,
        condition=clip.condition,
        score=score,
        threshold=inputs.thresholds.threshold(clip.machine),
        decision=inputs.thresholds.decide(score, clip.machine),
        machine_type=clip.machine_type,
        label="training clip",
        source=clip.source,
    )
