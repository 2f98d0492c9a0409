from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.background import background_clips
from stethoscope.datasets.clips import read_clips
from stethoscope.datasets.download.fingerprint import fingerprint
from stethoscope.datasets.prepare import archives_in, prepare
from stethoscope.errors import DatasetError
from tests.sounds import beeps


def write_noise(folder: Path, *names: str) -> Path:
    rng = np.random.default_rng(0)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, 0.1 * rng.standard_normal(16000), 16000, subtype="PCM_16")
    return folder


def test_recordings_of_any_layout_are_listed_without_their_labels(tmp_path: Path) -> None:
    folder = write_noise(tmp_path / "places", "rain/a.wav", "rain/b.wav", "traffic/c.wav")
    clips = background_clips([folder])
    assert [clip.path for clip in clips] == ["rain/a.wav", "rain/b.wav", "traffic/c.wav"]
    assert {(clip.label, clip.split, clip.condition) for clip in clips} == {
        ("", "supplemental", "noise")
    }
    assert len({clip.recording for clip in clips}) == 3


def test_labelled_recordings_serve_as_background_too(tmp_path: Path) -> None:
    beeps(tmp_path / "beeps", "00", 0)
    assert [clip.path for clip in background_clips([tmp_path / "beeps"])] == ["audio_00.wav"]


def test_background_is_fetched_beside_the_recordings(tmp_path: Path) -> None:
    beeps(tmp_path / "beeps", "00", 0)
    places = write_noise(tmp_path / "places", "rain/a.wav", "rain/b.wav")
    output = tmp_path / "recordings"
    prepared = prepare(
        str(tmp_path / "beeps"), output, tmp_path / "clips.csv", background=str(places)
    )
    assert [path.name for path in archives_in(output)] == ["beeps.zip", "places.zip"]
    assert prepared.metadata["archives"] == "beeps.zip, places.zip"
    sources = [clip.source for clip in read_clips(tmp_path / "clips.csv") if clip.split != "train"]
    assert sources.count("places.zip") == 2
    assert fingerprint("simulated/bells") != fingerprint("simulated/bells", background=str(places))


def test_background_of_the_same_name_is_refused(tmp_path: Path) -> None:
    beeps(tmp_path / "one" / "set", "00", 0)
    places = write_noise(tmp_path / "two" / "set", "a.wav")
    with pytest.raises(DatasetError, match=r"set\.zip: is the name of .* rename one of them"):
        prepare(
            str(tmp_path / "one" / "set"),
            tmp_path / "recordings",
            tmp_path / "clips.csv",
            background=str(places),
        )
