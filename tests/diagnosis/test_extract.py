"""The clips of a diagnosis and their features."""

from pathlib import Path

import pytest

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.diagnosis.extract import clips_to_compare, extract_cepstra
from stethoscope.diagnosis.grouping import group_faults
from stethoscope.diagnosis.options import FaultOptions
from stethoscope.errors import ParameterError
from stethoscope.features.store import FeatureStore
from stethoscope.sound.mfcc import Mfcc


def test_normal_clips_are_drawn_by_recording_and_machine(tmp_path: Path) -> None:
    """Three ratios of the same recordings: the same normal recordings are drawn at each, and none
    of a machine without anomalies.
    """
    clips = [
        Clip(
            path=f"{machine}-{snr}-{condition}-{number}",
            recording=f"{machine}-{condition}-{number}",
            machine_type="fan",
            machine_id=machine,
            condition=condition,  # type: ignore[arg-type]
            snr_db=snr,
        )
        for machine in ("00", "02")
        for snr in (6.0, 0.0, -6.0)
        for condition, count in (("normal", 50), ("anomaly", 8 if machine == "00" else 0))
        for number in range(count)
    ]
    for wanted, expected in ((-1, 30), (0, 50), (5, 5)):
        chosen = clips_to_compare(clips, FaultOptions(normal_clips=wanted))
        drawn = {
            snr: {c.recording for c in chosen if c.snr_db == snr and c.condition == "normal"}
            for snr in (6.0, 0.0, -6.0)
        }
        assert {len(names) for names in drawn.values()} == {expected}
        assert drawn[6.0] == drawn[0.0] == drawn[-6.0]
        assert {clip.machine for clip in chosen} == {"fan/00"}
        assert sum(clip.condition == "anomaly" for clip in chosen) == 24
    assert clips_to_compare(clips, FaultOptions(groups=0)) == []


def test_the_store_is_empty_where_there_is_nothing_to_diagnose(
    fan_archive: Path, tmp_path: Path
) -> None:
    clips = [clip for clip in index([fan_archive]) if clip.condition == "normal"]
    store = extract_cepstra([fan_archive], clips, Mfcc(), tmp_path / "store", FaultOptions())
    assert store.clips == []
    assert FeatureStore.open(tmp_path / "store").feature == Mfcc()
    with pytest.raises(
        ParameterError, match="fault_holdout_id is '77'; the set has fan/00, fan/02"
    ):
        extract_cepstra(
            [fan_archive],
            index([fan_archive]),
            Mfcc(),
            tmp_path / "store",
            FaultOptions(),
            holdout_id="77",
        )


def test_reason_why_too_few_anomalous_clips_are_not_grouped_reaches_the_groups(
    tmp_path: Path,
) -> None:
    clips = [
        Clip(path=f"{number}.wav", recording=str(number), machine_type="fan", condition="anomaly")
        for number in range(4)
    ]
    store = extract_cepstra([], clips, Mfcc(), tmp_path / "store", FaultOptions(groups=-1))
    assert (len(store.clips), len(store.skipped)) == (0, 4)
    reason = group_faults(store, FaultOptions(groups=-1)).reason
    assert reason.startswith("only 4 clips are anomalous, and a number of groups cannot be chosen")
