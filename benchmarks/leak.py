"""Accuracy under a random split over altered copies, compared to a split over recordings.

A teaching example of the field makes four versions of each recording (unaltered, with noise,
rolled, stretched), divides all of them at random, and tests on 8 %. Nearly each test clip then has
an altered version among the training clips. For comparison, 8 % of the recordings are held out with
all their versions, and only the unaltered ones are tested. The network is that of the example; it
is trained with more and smaller steps, because the example's 150 epochs of 256 clips are few for so
small a set.

    python benchmarks/leak.py /path/to/esc10_urbansound_layout.zip
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stethoscope.classification.folds import Indices, by_class, originals
from stethoscope.classification.model import Classifier
from stethoscope.classification.options import ClassFit
from stethoscope.classification.train import train_chosen
from stethoscope.datasets.alterations import altered
from stethoscope.datasets.layouts import index
from stethoscope.datasets.splits import hold_out
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.mfcc import Mfcc

COPIES = ["noise 0.005", "roll 1600", "stretch 0.8-1.25"]
SHARE = 0.08


def main() -> None:
    """Print the accuracy on both tests for each seed, and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--layout", default="auto")
    parser.add_argument("--rate", type=int, default=16_000, help="in Hz (default: 16000)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    found: dict[str, list[float]] = {"random copies": [], "recordings": []}
    with tempfile.TemporaryDirectory() as folder:
        clips = altered(index([options.archive], options.layout), COPIES)
        store = extract_features(
            [options.archive], clips, Mfcc(sample_rate=options.rate), Path(folder) / "mfcc"
        )
        labels = [clip.label for clip in store.clips]
        every = np.arange(len(labels))
        for seed in range(options.seeds):
            fit = ClassFit(
                network="mfcc-cnn",
                filters=(16, 32, 64),
                epochs=options.epochs,
                batch_size=options.batch_size,
                learning_rate=0.001,
                weight_decay=0.0,
                validation_split=0.0,
                shift=0.0,
                mask=0.0,
                mixup=0.0,
                seed=seed,
                verbose=0,
            )
            copies = np.random.default_rng(seed).permutation(len(labels)) < SHARE * len(labels)
            recordings = hold_out(by_class(store.clips, labels, every), SHARE, seed=seed)
            for name, held_out, test in (
                ("random copies", copies, every[copies]),
                ("recordings", recordings, originals(store.clips, every[recordings])),
            ):
                accuracy = score(store, labels, every[~held_out], test, fit, Path(folder) / "model")
                found[name].append(accuracy)
                print(
                    f"{name:<14} seed {seed}  {len(test):>3} test clips  accuracy {accuracy:.3f}",
                    flush=True,
                )
    for name, accuracies in found.items():
        print(f"{name:<14} mean accuracy {np.mean(accuracies):.3f}")


def score(
    store: FeatureStore,
    labels: Sequence[str],
    training: Indices,
    test: Indices,
    fit: ClassFit,
    folder: Path,
) -> float:
    """Return the accuracy on some clips of a network that was trained on others."""
    train_chosen(store, labels, training, fit, folder)
    classifier = Classifier.open(folder)
    answers = [
        classifier.labels[int(classifier.probabilities(store.clip_frames(clip)).argmax())]
        for clip in test
    ]
    return float(
        np.mean([answer == labels[clip] for answer, clip in zip(answers, test, strict=True)])
    )


if __name__ == "__main__":
    main()
