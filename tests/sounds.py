"""Sounds made for tests."""

from pathlib import Path

import numpy as np
import soundfile


def beeps(path: Path, name: str, seed: int, *, seconds: float = 12.0) -> None:
    """Write noise with beeps of 0.6 s at irregular times, and Audacity's labels of them."""
    rng = np.random.default_rng(seed)
    samples = 0.02 * rng.standard_normal(round(seconds * 16000))
    start, labels = 0.3, []
    while start + 0.6 < seconds:
        time = np.arange(round(0.6 * 16000)) / 16000
        first = round(start * 16000)
        samples[first : first + len(time)] += 0.1 * np.sin(2 * np.pi * 1800 * time) + 0.05 * np.sin(
            2 * np.pi * 640 * time
        )
        labels.append(f"{start:.6f}\t{start + 0.6:.6f}\tBeep\n")
        start += 0.6 + rng.uniform(0.7, 2.0)
    path.mkdir(exist_ok=True, parents=True)
    soundfile.write(path / f"audio_{name}.wav", samples, 16000, subtype="PCM_16")
    (path / f"labels_{name}.txt").write_text("".join(labels))
