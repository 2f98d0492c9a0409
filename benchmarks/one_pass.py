"""The pass over the recordings, part by part, each beside the least that it can take.

    python benchmarks/one_pass.py
    python benchmarks/one_pass.py --archive dev_data_fan.zip --clips 500

Without an archive, a deflated one of simulated fans is made. The parts are timed in one thread,
each alone: processor time per clip, median of three. The limit of a part is the call of the library
that does its work, with nothing around it. The last lines are the whole pass: in one thread, and
with one thread per processor, where the wall time counts.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import statistics
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the step

import numpy as np
import soundfile
from timing import Figure

from stethoscope.datasets.alterations import altered
from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.datasets.playable import PlayableWriter, encode
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.diagnosis.clips import clips_to_compare
from stethoscope.features.extract import Extraction, extract_together
from stethoscope.resources import keep_freed_memory, processors
from stethoscope.sound.audio import Samples, decode
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.measurement import measure
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.resampling import resample

REPEATS = 3
RATE = 16_000
WAV_HEADER_BYTES = 44
OTHER_RATE = 22_050


def processor_time(work: Callable[[Any], object], inputs: Sequence[Any]) -> float:
    """Return the milliseconds of processor time per input, the median of the repeats."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        for one in inputs:
            work(one)
        times.append((time.process_time() - start) / len(inputs) * 1e3)
    return statistics.median(times)


def windowed(samples: Samples, n_fft: int) -> Samples:
    """Return the frames of a clip, multiplied by a window."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, n_fft // 2), n_fft)[::512]
    return np.asarray(frames * np.hanning(n_fft), dtype=np.float32)


def transform(frames: Samples) -> None:
    """Transform the frames of a clip in blocks, into memory that is there."""
    out = np.empty((64, frames.shape[1] // 2 + 1), dtype=np.complex64)
    for start in range(0, len(frames), 64):
        block = frames[start : start + 64]
        # Only with a factor of single precision, numpy computes in single precision.
        np.fft.rfft(block, axis=1, norm="forward", out=out[: len(block)])


def parts(archive: Path, clips: Sequence[Clip]) -> dict[str, tuple[float, float]]:
    """Return the milliseconds per clip of every part, and of its limit."""
    names = [clip.path for clip in clips]
    with open_archive(archive) as opened:
        contents = [opened.read(name) for name in names]
        reading = processor_time(opened.read, names)
    packed = [zlib.compress(content, 6)[2:-4] for content in contents]
    samples = [decode(content).samples[0] for content in contents]
    whole = [np.rint(one * 32768).astype(np.int16) for one in samples]
    log_mel, mfcc = LogMel(sample_rate=RATE), Mfcc(sample_rate=RATE)
    short, long = ([windowed(one, n_fft) for one in samples] for n_fft in (1024, 2048))

    def read_all(content: bytes) -> None:
        whole = np.frombuffer(content, dtype="<i2", offset=WAV_HEADER_BYTES)
        np.multiply(whole, np.float32(2.0**-15), dtype=np.float32)

    def write_flac(content: Samples) -> None:
        soundfile.write(io.BytesIO(), content, RATE, format="FLAC", subtype="PCM_16")

    def extrema(one: Samples) -> None:
        one.min(), one.max(), np.dot(one, one)

    inflate = processor_time(lambda one: zlib.crc32(zlib.decompress(one, -15)), packed)
    if archive_is_stored(archive):
        inflate = processor_time(zlib.crc32, contents)
    return {
        "inflate": (reading, inflate),
        "decode": (processor_time(decode, contents), processor_time(read_all, contents)),
        "measure": (processor_time(lambda one: measure(one, RATE), samples),
                    processor_time(extrema, samples)),
        "log-mel, FFT of 1024": (processor_time(log_mel.extract, samples),
                                 processor_time(transform, short)),
        "cepstra, FFT of 2048": (processor_time(mfcc.extract, samples),
                                 processor_time(transform, long)),
        "encode what is played": (processor_time(lambda one: encode(one, RATE), samples),
                                  processor_time(write_flac, whole)),
        f"resample to {OTHER_RATE} Hz (not here)": (
            processor_time(lambda one: resample(one, RATE, OTHER_RATE, method="full_band"),
                           samples),
            processor_time(lambda one: np.fft.irfft(np.fft.rfft(one), len(one) * 441 // 320),
                           samples),
        ),
    }  # fmt: skip


def archive_is_stored(archive: Path) -> bool:
    """Return whether the members of a zip are not compressed."""
    with zipfile.ZipFile(archive) as file:
        return all(one.compress_type == zipfile.ZIP_STORED for one in file.infolist())


def whole_pass(archive: Path, clips: Sequence[Clip], folder: Path, workers: int) -> dict[str, Any]:
    """Return processor and wall time per clip of the pass that computes everything."""
    keep_freed_memory()  # as every step of a run
    compared = clips_to_compare(clips)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    with PlayableWriter(folder / "sounds", lambda clip: clip.split == "test") as playable:
        stores = extract_together(
            [archive],
            [
                Extraction(clips=clips, feature=LogMel(), folder=folder / "features"),
                Extraction(clips=altered(compared, ()), feature=Mfcc(), folder=folder / "cepstra"),
            ],
            playable=playable,
            workers=workers,
        )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "threads": workers,
        "processor_ms": round(
            (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            / len(clips) * 1e3, 2),
        "wall_ms": round(wall / len(clips) * 1e3, 2),
        "clips": len(clips),
        "with_cepstra": len(stores[1].clips),
        "played": sum(clip.split == "test" for clip in clips),
        "peak_mb": round(after.ru_maxrss / 1024),
    }  # fmt: skip


def figures(*, quick: bool) -> list[Figure]:
    """Return every part beside its limit, and the whole pass on all processors."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archive, clips = simulated(folder, 40 if quick else 200)
        found: dict[str, list[tuple[float, float]]] = {}
        passes = []
        for number in range(1 if quick else 3):
            for name, pair in parts(archive, clips[:20]).items():
                found.setdefault(name, []).append(pair)
            with contextlib.redirect_stderr(io.StringIO()):
                passes.append(whole_pass(archive, clips, folder / str(number), processors()))
    rows = [
        Figure(
            key=name.partition(",")[0].replace(" ", "_"),
            text=f"{name}, per clip",
            unit="ms",
            ours=[own for own, _ in pairs],
            reference=[limit for _, limit in pairs],
        )
        for name, pairs in found.items()
    ]
    wall = [one["wall_ms"] for one in passes]
    return [*rows, Figure(key="pass", text="the whole pass, per clip", unit="ms", ours=wall)]


def simulated(folder: Path, n_clips: int) -> tuple[Path, list[Clip]]:
    """Return a deflated archive of simulated fans, and as many of its clips."""
    simulate_archive(folder / "fan.zip", machine="fan", train_clips=60)
    archive = deflated(folder / "fan.zip")
    return archive, choose(archive, n_clips)


def choose(archive: Path, n_clips: int) -> list[Clip]:
    """Return clips spread evenly over an archive."""
    table = index([archive])
    chosen = np.unique(np.linspace(0, len(table) - 1, n_clips).round().astype(int))
    return [table[number] for number in chosen]


def main() -> None:
    """Time the parts and the pass, and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--clips", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archive = options.archive
        if archive is None:
            archive, clips = simulated(folder, options.clips)
        else:
            clips = choose(archive, options.clips)
        found = parts(archive, clips[:100])
        print(f"{'part':34} {'ms':>6} {'limit':>6} {'ratio':>6}")
        for name, (own, limit) in found.items():
            print(f"{name:34} {own:6.2f} {limit:6.2f} {own / limit:6.2f}")
        passes = []
        for workers in (1, processors()):
            with contextlib.redirect_stderr(io.StringIO()):
                passes.append(whole_pass(archive, clips, folder / str(workers), workers))
        shares = expected(found, passes[0])
        print(json.dumps({"load": os.getloadavg()[0], "sum_of_parts_ms": shares,
                          "pass": passes}, indent=1))  # fmt: skip


def expected(found: dict[str, tuple[float, float]], made: dict[str, Any]) -> float:
    """Return the milliseconds per clip of the parts together, each for the clips that need it."""
    share = {"cepstra": made["with_cepstra"], "encode": made["played"], "resample": 0}
    counts = {name: share.get(name.split()[0].rstrip(","), made["clips"]) for name in found}
    total = sum(own * counts[name] for name, (own, _) in found.items())
    return round(float(total / made["clips"]), 2)


def deflated(archive: Path) -> Path:
    """Return a copy of a zip with its members compressed."""
    copy = archive.with_name(f"deflated_{archive.name}")
    with (
        zipfile.ZipFile(archive) as file,
        zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for one in file.infolist():
            packed.writestr(one.filename, file.read(one))
    return copy


if __name__ == "__main__":
    main()
