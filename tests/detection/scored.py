"""Scores of a made-up detector."""

import numpy as np

from stethoscope.detection.scores import ScoredClip
from stethoscope.machines import split_key


def scored_clips(
    n_normal: int = 30,
    n_anomaly: int = 40,
    *,
    machines=("fan/00",),
    seed=0,
    shift=1.2,
    threshold=1.0,
    decimals=9,
    **values,
) -> list[ScoredClip]:
    """Return clips whose scores are normally distributed, those of anomalies higher by `shift`."""
    rng = np.random.default_rng(seed)
    clips = []
    for machine in machines:
        machine_type, machine_id = split_key(machine)
        for i in range(n_normal + n_anomaly):
            anomalous = i >= n_normal
            score = round(rng.normal(shift * anomalous), decimals)
            clips.append(
                ScoredClip(
                    path=f"{machine}/{i}.wav",
                    machine_type=machine_type,
                    machine_id=machine_id,
                    condition="anomaly" if anomalous else "normal",
                    score=score,
                    threshold=threshold,
                    decision=score > threshold,
                    **values,
                )
            )
    return clips


def truth_and_scores(clips: list[ScoredClip]) -> tuple[list[bool], list[float]]:
    """Return which clips are anomalous, and their scores."""
    return [clip.condition == "anomaly" for clip in clips], [clip.score for clip in clips]
