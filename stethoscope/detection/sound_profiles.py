"""What the training recordings of a detector were like, and which test clips are unlike them."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_json
from stethoscope.sound.suitability import profiles_from_json, profiles_of

SOUND_PROFILES = "sound.json"
"""File of a model folder."""


def write_sound_profiles(folder: Path, store: FeatureStore, clips: npt.NDArray[np.intp]) -> None:
    """Write the profiles of training clips, given by index, into a model folder.

    Nothing is written for a store without measurements.
    """
    if store.measured:
        groups = {
            machine_type: [store.measured[index] for index in indices]
            for machine_type, indices in store.by_type(clips)
        }
        write_json(folder / SOUND_PROFILES, profiles_of(groups))


def read_sound_profiles(folder: Path) -> dict[str, Any]:
    """Read the profiles of a model folder as JSON values; empty if it has none."""
    path = folder / SOUND_PROFILES
    return read_json(path) if path.is_file() else {}


def count_unlike(folder: Path, store: FeatureStore, clips: npt.NDArray[np.intp]) -> dict[str, Any]:
    """Count the clips, given by index, that are unlike the training recordings of a model.

    Returns
    -------
    dict
        ``clips``, ``refused`` and ``warned``: numbers of clips; ``reasons``: for each reason the
        numbers of normal and anomalous clips, and whether it refuses them. JSON values.
    """
    profiles = profiles_from_json(read_sound_profiles(folder), str(folder))
    refused = warned = 0
    counts: Counter[tuple[str, bool, str]] = Counter()
    for index in clips if store.measured else ():
        clip = store.clips[index]
        profile = profiles.get(clip.machine_type)
        findings = profile.compare(store.measured[index]) if profile else []
        is_refused = bool(findings) and findings[0].refuses
        refused += is_refused
        warned += bool(findings) and not is_refused
        counts.update((one.reason, one.refuses, clip.condition) for one in findings)
    kinds = sorted({(not refuses, reason) for reason, refuses, _ in counts})
    return {
        "clips": len(clips),
        "refused": refused,
        "warned": warned,
        "reasons": [
            {
                "reason": reason,
                "refuses": not mild,
                "normal": counts[reason, not mild, "normal"],
                "anomaly": counts[reason, not mild, "anomaly"],
            }
            for mild, reason in kinds
        ],
    }
