from pathlib import Path

from stethoscope.datasets.download.fetch import fetch
from stethoscope.datasets.layouts import index
from stethoscope.files import digest


def test_simulated_sets_take_options_and_carry_their_ratio_in_the_name(tmp_path: Path) -> None:
    options = "ids=1&train_clips=2&test_anomaly=1&seconds=0.5"
    (one,) = fetch(f"simulated/pump?snr_db=-6&layout=mimii&{options}", tmp_path, seed=3)
    assert one.name == "-6_dB_pump.zip"
    clips = index([one.path])
    assert {(clip.machine_type, clip.snr_db) for clip in clips} == {("pump", -6.0)}
    assert len(clips) == 4
    (again,) = fetch(f"simulated/pump?snr_db=-6&layout=mimii&{options}&seed=3", tmp_path / "again")
    (other,) = fetch(f"simulated/pump?snr_db=-6&layout=mimii&{options}", tmp_path / "other", seed=4)
    assert again.md5 == one.md5 != other.md5
    (plain,) = fetch(f"simulated/fan?test_normal=1&{options}", tmp_path)
    assert plain.name == "0_dB_fan.zip"
    assert digest(plain.path, "md5") == plain.md5
