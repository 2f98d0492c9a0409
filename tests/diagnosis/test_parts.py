"""The division of clips into training, validation and test."""

from collections import defaultdict
from dataclasses import replace

import pytest

from stethoscope.datasets.alterations import altered
from stethoscope.datasets.clips import Clip
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.parts import divide, labels_of
from stethoscope.errors import ParameterError
from stethoscope.features.store import FeatureStore
from tests.diagnosis.sets import SMALL


def split_of(
    clips: list[Clip], groups: FaultGroups, *, holdout_id: str = ""
) -> dict[str, set[str]]:
    """Return the parts of every recording, as far as it has any."""
    found = defaultdict(set)
    for clip, part in zip(
        clips,
        divide(clips, labels_of(clips, groups), SMALL, test_split=0.25, holdout_id=holdout_id),
        strict=True,
    ):
        if part:
            found[clip.recording].add(part)
    return dict(found)


def test_no_recording_lies_in_two_parts(grouped: tuple[FeatureStore, FaultGroups]) -> None:
    """Neither its altered versions nor the same recording at another signal-to-noise ratio, even if
    it is grouped differently there.
    """
    store, groups = grouped
    both = [
        replace(clip, snr_db=snr, source=f"{snr}.zip") for clip in store.clips for snr in (6.0, 0.0)
    ]
    other = {1: 2, 2: 3, 3: 1}
    clips = altered(both, ["noise 0.005", "roll 1600"])
    mixed = replace(
        groups,
        clips=tuple(
            replace(one, source=f"{snr}.zip", group=one.group if snr == 6.0 else other[one.group])
            for one in groups.clips
            for snr in (6.0, 0.0)
        ),
    )
    found = split_of(clips, mixed)
    assert len(found) == len(store.clips)
    assert all(len(taken) == 1 for taken in found.values())
    assert {part for taken in found.values() for part in taken} == {"train", "validation", "test"}


def test_a_machine_id_is_held_out_entirely(grouped: tuple[FeatureStore, FaultGroups]) -> None:
    store, groups = grouped
    for name in ("01", "fan/01"):
        found = split_of(store.clips, groups, holdout_id=name)
        # Its normal training clips define what is normal for it; they have no part.
        own, others = (
            [taken for recording, taken in found.items() if recording.startswith(start)]
            for start in ("1/", "0/")
        )
        assert own == [{"held-out"}] * 24
        assert set.union(*others) == {"train", "validation", "test"}
    with pytest.raises(ParameterError, match="fault_holdout_id is '77'; there are fan/00, fan/01"):
        split_of(store.clips, groups, holdout_id="77")
