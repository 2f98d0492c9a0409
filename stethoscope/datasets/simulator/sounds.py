"""Simulated recordings of a machine with labels: healthy, and with each of its faults."""

import os
import zipfile

from stethoscope.datasets.simulator.archive import encode_wav, zip_member
from stethoscope.datasets.simulator.clip import check_number, check_seed, simulate_clip
from stethoscope.datasets.simulator.faults import FAULTS
from stethoscope.files import atomic_file
from stethoscope.progress import track

MACHINE = "fan"
SPECIMENS = 4
"""Fans that are recorded in turns."""


def simulate_sounds(
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    snr_db: float = 6.0,
    recordings: int = 24,
    seconds: float = 4.0,
) -> None:
    """Write an archive of recordings with labels, and the table that gives them.

    They are ``sounds/<label>_<n>.wav``, 16 kHz PCM16 mono, and ``sounds/recordings.csv`` with
    path, machine, condition and label: normal, or a fault. Four fans alternate. Equal parameters
    give equal bytes.

    Parameters
    ----------
    path : path
        The zip to write; an existing file is replaced when the new one is complete.
    seed : int
        At least 0.
    snr_db : float
        Mean power of the healthy machine over that of the background, in dB.
    recordings : int
        Of each label.
    seconds : float
        Length of a recording, in seconds.

    Raises
    ------
    ParameterError
        If a parameter has a value that cannot work.
    """
    check_seed(seed)
    check_number("recordings", recordings, 2, 10_000)
    planned = [(fault, number) for fault in (None, *FAULTS) for number in range(recordings)]
    rows = ["path,machine,condition,label"]
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for fault, number in track(planned, label="simulate", total=len(planned)):
            label = (fault or "normal").replace(" ", "_")
            specimen = number % SPECIMENS
            samples = simulate_clip(
                machine=MACHINE,
                machine_id=specimen,
                fault=fault,
                index=number,
                seed=seed,
                snr_db=snr_db,
                seconds=seconds,
            )
            name = f"{label}_{number:03d}.wav"
            archive.writestr(zip_member(f"sounds/{name}"), encode_wav(samples))
            condition = "anomaly" if fault else "normal"
            rows.append(f"{name},{MACHINE}/{specimen:02d},{condition},{label}")
        archive.writestr(zip_member("sounds/recordings.csv"), "\n".join(rows) + "\n")
