import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.clip import Content, simulate_clip
from stethoscope.errors import ParameterError
from tests.datasets.simulator.measure import CLEAN_DB


def level_difference(snr_db: float, index: int, content: Content = "both") -> float:
    """Return the level of the near channel above that of the far one, in dB."""
    near, far = simulate_clip(
        machine="fan", snr_db=snr_db, index=index, channels=2, content=content, seconds=4.0
    )
    return 10 * np.log10(np.mean(near**2) / np.mean(far**2))


def test_the_far_microphone_receives_less_of_the_machine_and_more_of_its_surroundings() -> None:
    machine = [level_difference(CLEAN_DB, index) for index in range(4)]
    assert 5.0 < np.mean(machine) < 19.0
    assert np.std(machine) < 1.0  # both microphones stay where they are
    noise = [level_difference(0.0, index, "noise") for index in range(8)]
    assert -6.0 < np.mean(noise) < 2.0
    assert np.std(noise) > 0.5  # the sources are at another place in every clip


def test_a_second_channel_leaves_the_first_as_it_is() -> None:
    one = simulate_clip(machine="pump", index=3, snr_db=-6, seconds=2.0)
    near, far = simulate_clip(machine="pump", index=3, snr_db=-6, seconds=2.0, channels=2)
    np.testing.assert_allclose(near, one, atol=1e-6)
    assert abs(np.corrcoef(near, far)[0, 1]) < 0.9


@pytest.mark.parametrize("content", ["noise", "machine"])
def test_clips_of_one_part_alone_hold_nothing_of_the_other(content: Content) -> None:
    quiet, loud = (
        simulate_clip(machine="valve", content=content, snr_db=snr_db, seconds=1.0)
        for snr_db in (-20.0, 20.0)
    )
    np.testing.assert_allclose(quiet, loud, atol=1e-6)


def test_an_archive_holds_the_supplemental_clips_that_were_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "fan.zip"
    simulate_archive(
        path,
        machine="fan",
        ids=1,
        train_clips=2,
        test_anomaly=1,
        noise_clips=2,
        machine_clips=1,
        channels=2,
        seconds=0.5,
    )
    clips = index([path])
    found = sorted((clip.split, clip.condition) for clip in clips)
    assert found == [
        ("supplemental", "noise"),
        ("supplemental", "noise"),
        ("supplemental", "normal"),
        ("test", "anomaly"),
        ("test", "normal"),
        ("train", "normal"),
        ("train", "normal"),
    ]
    with open_archive(path) as archive:
        assert soundfile.info(io.BytesIO(archive.read(clips[0].path))).channels == 2


def test_the_layout_mimii_has_no_supplemental_clips(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="noise_clips is 3 in the layout mimii"):
        simulate_archive(tmp_path / "fan.zip", machine="fan", layout="mimii", noise_clips=3)
