"""Selection of the clips that the report shows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median_low

import numpy as np

from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.detection.scores import ScoredClip
from stethoscope.report.media import ClipKey, clip_key

MAX_REFERENCES = 3
"""Most machines of which a normal clip is shown for comparison."""


@dataclass(frozen=True)
class ShownClips:
    """Clips that are shown for the same reason.

    Attributes
    ----------
    reason : str
        Why each of them is shown.
    clips : list of ScoredClip
    absence : str
        Sentence for a group without clips; may be empty.
    """

    reason: str
    clips: list[ScoredClip]
    absence: str = ""


def choose(inputs: DetectionInputs) -> list[ShownClips]:
    """Return the clips to show, in groups.

    These are the most anomalous clips, the errors, those nearest to the threshold, and normal ones
    for comparison. No clip is shown twice. Within a group, no machine has a second clip before
    every other machine has one.
    """
    margin = _margins(inputs)
    taken: set[ClipKey] = set()

    def take(
        n: int, wanted: Callable[[ScoredClip], bool], *, highest: bool = False
    ) -> list[ScoredClip]:
        fitting = [c for c in inputs.scored if wanted(c) and clip_key(c) not in taken]
        chosen = _in_turns(fitting, lambda clip: -margin(clip) if highest else margin(clip), n)
        taken.update(map(clip_key, chosen))
        return chosen

    missed = take(3, lambda clip: clip.condition == "anomaly" and not clip.decision)
    alarms = take(2, lambda clip: clip.condition == "normal" and clip.decision, highest=True)
    most = take(3, lambda clip: clip.condition != "normal" and clip.decision, highest=True)
    above = take(2, lambda clip: clip.decision)
    below = take(2, lambda clip: not clip.decision, highest=True)
    references = _references(inputs, [*most, *missed, *alarms, *above, *below], taken)

    conditions = {clip.condition for clip in inputs.scored}
    none_found = "No anomalous clip is above its threshold." if "anomaly" in conditions else ""
    none_missed = "Every anomalous clip was found." if "anomaly" in conditions else ""
    no_alarm = "No normal clip raised an alarm." if "normal" in conditions else ""
    return [
        ShownClips("For comparison: a typical normal clip", references),
        ShownClips("Most anomalous", most, none_found),
        ShownClips("Missed anomaly", missed, none_missed),
        ShownClips("False alarm", alarms, no_alarm),
        ShownClips("Just above the threshold", above),
        ShownClips("Just below the threshold", below),
    ]


def _margins(inputs: DetectionInputs) -> Callable[[ScoredClip], float]:
    """Return how to compute the distance of a clip above its threshold.

    The unit is the interquartile range of the normal scores of its machine.
    """
    spread: dict[str, float] = {}
    for machine, clips in inputs.by_machine.items():
        normal = [clip.score for clip in clips if clip.condition == "normal"]
        normal += inputs.normal_scores.held_out.get(machine, [])
        normal += inputs.normal_scores.trained.get(machine, [])
        quartiles = np.percentile(normal, [75, 25]) if normal else (0.0, 0.0)
        spread[machine] = float(quartiles[0] - quartiles[1]) or 1.0
    return lambda clip: (clip.score - clip.threshold) / spread[clip.machine]


def _in_turns(
    clips: Sequence[ScoredClip], key: Callable[[ScoredClip], float], n: int
) -> list[ScoredClip]:
    """Return `n` clips of lowest key.

    A machine has a second clip only after every other machine has one.
    """
    turns: dict[str, int] = {}
    order = []
    for clip in sorted(clips, key=key):
        turns[clip.machine] = turns.get(clip.machine, 0) + 1
        order.append((turns[clip.machine], key(clip), clip))
    return [clip for _, _, clip in sorted(order, key=lambda entry: entry[:2])[:n]]


def _references(
    inputs: DetectionInputs, shown: Iterable[ScoredClip], taken: set[ClipKey]
) -> list[ScoredClip]:
    """Return a typical normal clip of each machine shown.

    It is a test clip, or a training clip if the machine has no normal test clip.
    """
    references = []
    for machine in list(dict.fromkeys(clip.machine for clip in shown))[:MAX_REFERENCES]:
        passed = [
            clip
            for clip in inputs.by_machine[machine]
            if clip.condition == "normal" and not clip.decision and clip_key(clip) not in taken
        ]
        if passed:
            middle = median_low(clip.score for clip in passed)
            references.append(next(clip for clip in passed if clip.score == middle))
        elif machine in inputs.normal_training:
            references.append(_training_clip(inputs, inputs.normal_training[machine]))
    return references


def _training_clip(inputs: DetectionInputs, positions: Sequence[int]) -> ScoredClip:
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
        start=clip.start,
        end=clip.end,
    )
