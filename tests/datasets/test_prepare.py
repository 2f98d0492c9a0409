from pathlib import Path

from stethoscope.datasets.clips import read_clips
from stethoscope.datasets.prepare import archives_in, prepare

URL = "simulated/fan?ids=1&train_clips=2&test_anomaly=1&seconds=0.5"


def test_data_set_is_fetched_and_listed(tmp_path: Path) -> None:
    prepared = prepare(URL, tmp_path / "recordings", tmp_path / "clips.csv")
    assert [path.name for path in archives_in(tmp_path / "recordings")] == ["0_dB_fan.zip"]
    assert len(read_clips(tmp_path / "clips.csv")) == prepared.n_clips == 4
    assert prepared.metadata["archives"] == "0_dB_fan.zip"
