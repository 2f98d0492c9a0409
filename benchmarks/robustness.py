"""What becomes of verdicts when test clips are altered: level, length, coding, rate, damage.

A detector is trained on the training clips of an archive. Each of its test clips is then judged
unaltered and altered in each way, as `stethoscope predict` would judge it. False alarms and recall
count the clips that got a verdict.

    python benchmarks/robustness.py /path/to/dev_data_caridle.zip
    python benchmarks/robustness.py simulated/fan --detectors pooled-gmm autoencoder

The versions in AAC need ffmpeg.
"""

import argparse
import contextlib
import io
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import soundfile

from stethoscope.bundle.build import export_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.datasets.prepare import archives_in, prepare
from stethoscope.detection.detector import make_detector
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.options import SCORES, DetectorOptions, FitOptions
from stethoscope.detection.train import train_detector
from stethoscope.errors import AudioError
from stethoscope.features.extract import extract_features
from stethoscope.sound.audio import Samples, load
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.resampling import resample

Alteration = Callable[[Samples, int], bytes]


def wav(samples: Samples, rate: int, *, kind: str = "WAV", subtype: str = "FLOAT") -> bytes:
    """Return samples [shape=(n_samples,) or (n_samples, channels)] as a file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def gain(decibels: float) -> Alteration:
    """Change the level, without clipping."""
    return lambda samples, rate: wav(samples * np.float32(10 ** (decibels / 20)), rate)


def length(seconds: float) -> Alteration:
    """Take the middle of a clip."""

    def middle(samples: Samples, rate: int) -> bytes:
        start = max(0, (len(samples) - round(seconds * rate)) // 2)
        return wav(samples[start : start + round(seconds * rate)], rate)

    return middle


def coded(ending: str, *arguments: str) -> Alteration:
    """Code a clip with ffmpeg."""

    def encode(samples: Samples, rate: int) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.wav"), Path(folder, f"out.{ending}")
            source.write_bytes(wav(samples, rate))
            command = ["ffmpeg", "-loglevel", "error", "-i", str(source), *arguments, str(target)]
            subprocess.run(command, check=True)
            return target.read_bytes()

    return encode


def decoded(encode: Alteration) -> Alteration:
    """Convert what was coded with loss to a WAV, so that its format does not show it."""

    def convert(samples: Samples, rate: int) -> bytes:
        return wav(*load(encode(samples, rate)))

    return convert


def at_rate(to_rate: int, *, channels: int = 1) -> Alteration:
    """Record at another rate, on one channel or several.

    A higher rate keeps every band: the spectrum is extended by zeros.
    """

    def resampled(samples: Samples, rate: int) -> bytes:
        if to_rate > rate:
            count = round(len(samples) * to_rate / rate)
            spectrum = np.fft.rfft(samples) * (count / len(samples))
            other = np.fft.irfft(spectrum, count).astype(np.float32)
        else:
            other = resample(samples, rate, to_rate)
        return wav(np.repeat(other[:, None], channels, axis=1), to_rate, subtype="PCM_24")

    return resampled


def clipped(share: float) -> Alteration:
    """Overload the microphone so that this fraction of the samples is clipped."""

    def overload(samples: Samples, rate: int) -> bytes:
        most = float(np.quantile(np.abs(samples), 1 - share))
        return wav(np.clip(samples / most, -1, 1), rate, subtype="PCM_16")

    return overload


def dropouts(share: float) -> Alteration:
    """Replace stretches of 50 ms by zeros, evenly spread, together this fraction of the clip."""

    def drop(samples: Samples, rate: int) -> bytes:
        cut = samples.copy()
        stretch = round(0.05 * rate)
        count = max(1, round(share * len(cut) / stretch))
        for start in np.linspace(0, len(cut) - stretch, count + 2)[1:-1].astype(int):
            cut[start : start + stretch] = 0.0
        return wav(cut, rate)

    return drop


def offset(times: float) -> Alteration:
    """Add a constant, as a multiple of the clip's RMS."""
    return lambda samples, rate: wav(samples + np.float32(times * samples.std()), rate)


def constant(value: float) -> Alteration:
    """Replace all samples by one value."""
    return lambda samples, rate: wav(np.full_like(samples, value), rate)


def alterations() -> dict[str, Alteration]:
    """Return the alterations by name, the unaltered clip first."""
    found: dict[str, Alteration] = {"as is": wav}
    found |= {f"gain {dB:+d} dB": gain(dB) for dB in (-12, -6, 6, 12)}
    found |= {f"{seconds} s": length(seconds) for seconds in (8, 5, 3, 1)}
    mp3 = coded("mp3", "-c:a", "libmp3lame", "-b:a", "128k")
    aac = coded("m4a", "-c:a", "aac", "-b:a", "64k")
    if shutil.which("ffmpeg"):
        found |= {"MP3 128k": mp3, "AAC 64k": aac}
        found |= {"MP3 128k as WAV": decoded(mp3), "AAC 64k as WAV": decoded(aac)}
        found["MP3 128k, 44100 Hz"] = coded(
            "mp3", "-ar", "44100", "-c:a", "libmp3lame", "-b:a", "128k"
        )
        found["Opus 24k as WAV"] = decoded(coded("opus", "-c:a", "libopus", "-b:a", "24k"))
    else:
        found["MP3"] = lambda samples, rate: wav(
            samples, rate, kind="MP3", subtype="MPEG_LAYER_III"
        )
    found |= {f"{rate} Hz": at_rate(rate) for rate in (8_000, 11_025, 48_000)}
    found["44100 Hz stereo"] = at_rate(44_100, channels=2)
    found |= {f"clipped {share:.1%}": clipped(share) for share in (0.001, 0.01, 0.05, 0.2)}
    found |= {f"dropouts {share:.1%}": dropouts(share) for share in (0.005, 0.02, 0.1)}
    found |= {f"DC {times:g} x RMS": offset(times) for times in (0.1, 1, 10)}
    return found | {"silence": constant(0.0), "DC alone": constant(0.1)}


@dataclass
class Outcome:
    """The answers about the test clips that were altered in one way."""

    alarms: dict[str, list[bool]] = field(default_factory=lambda: {"normal": [], "anomaly": []})
    clips: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, inference: Inference, clip: Clip, content: bytes) -> None:
        """Judge an altered clip."""
        self.clips[clip.condition] += 1
        try:
            verdict = inference.verdict(content, machine_id=clip.machine, name=clip.path)
        except AudioError as error:
            self.refused[clip.condition] += 1
            self.reasons[getattr(error, "reason", "unusable")] += 1
            return
        self.alarms[clip.condition].append(verdict.anomaly)
        warnings = getattr(verdict, "warnings", ())
        self.warned[clip.condition] += bool(warnings)
        self.reasons.update(one.reason for one in warnings)

    def row(self) -> list[str]:
        """Return the cells of the table."""
        cells = []
        for condition in ("normal", "anomaly"):
            alarms = self.alarms[condition]
            cells.append(f"{np.mean(alarms):.3f}" if alarms else "-")
        total = self.clips.total()
        cells += [f"{counts.total() / total:.2f}" for counts in (self.refused, self.warned)]
        cells.append(", ".join(f"{name} {count}" for name, count in self.reasons.most_common()))
        return cells


def trained(archives: Sequence[Path], detector: str, seed: int, folder: Path) -> Inference:
    """Train a detector on an archive and return its bundle, opened."""
    store = extract_features(archives, index(archives), LogMel(), folder / "features", min_frames=5)
    fit = FitOptions(verbose=0, seed=seed)
    train_detector(
        store,
        make_detector(DetectorOptions(name=detector), fit),
        folder / "model",
        validation_split=0.1,
        seed=seed,
    )
    evaluate_detector(folder / "features", folder / "model", folder / "results")
    export_bundle(folder / "model", folder / "results", folder / "bundle", formats="tflite")
    return Inference(Bundle.open(folder / "bundle"))


def judged(
    inference: Inference, archives: Iterable[Path], wanted: dict[str, Alteration]
) -> dict[str, Outcome]:
    """Judge the test clips of archives, altered in each way."""
    outcomes = {name: Outcome() for name in wanted}
    for path in archives:
        clips = {
            clip.path: clip
            for clip in index([path])
            if clip.split == "test" and clip.condition != "unknown"
        }
        with open_archive(path) as archive:
            for name, content in archive.stream(clips):
                if not isinstance(content, bytes):
                    continue
                samples, rate = load(content)
                for alteration, alter in wanted.items():
                    outcomes[alteration].add(inference, clips[name], alter(samples, rate))
    return outcomes


def main() -> None:
    """Print a table for each detector."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="an archive, a folder, or simulated/<machine>")
    parser.add_argument(
        "--test", type=Path, help="judge the test clips of this archive instead of the same one"
    )
    parser.add_argument(
        "--detectors", nargs="+", choices=list(SCORES), default=[next(iter(SCORES))]
    )
    parser.add_argument("--only", nargs="+", default=[], help="alterations whose name holds this")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wanted = {
        name: alter
        for name, alter in alterations().items()
        if not options.only or any(part in name for part in ("as is", *options.only))
    }
    for detector in options.detectors:
        with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stderr(io.StringIO()):
            folder = Path(scratch)
            with contextlib.redirect_stdout(io.StringIO()):
                prepare(
                    options.data, folder / "recordings", folder / "clips.csv", seed=options.seed
                )
            archives = archives_in(folder / "recordings")
            inference = trained(archives, detector, options.seed, folder)
            outcomes = judged(inference, [options.test] if options.test else archives, wanted)
        print(f"\n{detector}, {options.test or options.data}\n")
        print("| alteration | false alarms | recall | refused | warned | reasons |")
        print("|---|---|---|---|---|---|")
        for name, outcome in outcomes.items():
            print(f"| {name} | {' | '.join(outcome.row())} |", flush=True)


if __name__ == "__main__":
    main()
