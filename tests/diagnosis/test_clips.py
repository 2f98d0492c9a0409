"""The clips of a diagnosis."""

from stethoscope.datasets.clips import Clip
from stethoscope.diagnosis.clips import clips_to_compare


def test_normal_clips_are_drawn_by_recording_and_machine() -> None:
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
        chosen = clips_to_compare(clips, normal_clips=wanted)
        drawn = {
            snr: {c.recording for c in chosen if c.snr_db == snr and c.condition == "normal"}
            for snr in (6.0, 0.0, -6.0)
        }
        assert {len(names) for names in drawn.values()} == {expected}
        assert drawn[6.0] == drawn[0.0] == drawn[-6.0]
        assert {clip.machine for clip in chosen} == {"fan/00"}
        assert sum(clip.condition == "anomaly" for clip in chosen) == 24
    healthy = [clip for clip in clips if clip.condition == "normal"]
    assert clips_to_compare(healthy) == []
