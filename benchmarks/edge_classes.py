"""A classifier of sounds on a microcontroller: its accuracy in int8 and in float.

The accuracy is that on a fold that it was not trained on.

    python benchmarks/edge_classes.py /path/to/UrbanSound8K.zip --fold 3 --epochs 120
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from stethoscope.options import split_list


def main() -> None:
    """Train, convert and print a row per network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--networks", default="mel-cnn")
    parser.add_argument("--fold", type=int, default=1, help="that is not trained on")
    parser.add_argument("--epochs", type=int, default=120)
    options = parser.parse_args()
    accuracies = "accuracy float | accuracy int8"
    print(f"| network | clips | {accuracies} | model, bytes | arena, bytes | ESP32-S3 |")
    print("|---|---|---|---|---|---|---|")
    for network in split_list(options.networks):
        with tempfile.TemporaryDirectory() as scratch:
            print(
                row(options.archive, network, options.fold, options.epochs, Path(scratch)),
                flush=True,
            )


def row(archive: Path, network: str, fold: int, epochs: int, folder: Path) -> str:
    """Train one network and return its row."""
    from stethoscope.classification.model import Classifier, prepare_frames
    from stethoscope.classification.options import ClassFit, feature_of
    from stethoscope.classification.train import train_classifier
    from stethoscope.datasets.layouts import index
    from stethoscope.edge.c.export import export_classifier_c
    from stethoscope.edge.classifier import NETWORK, make_edge_classifier
    from stethoscope.features.extract import extract_features
    from stethoscope.model.network import Int8Network, softmax

    store = extract_features(
        [archive],
        index([archive]),
        feature_of({"class_network": network, "class_sample_rate": 16000}),
        folder / "store",
        min_frames=1,
    )
    labels = ["" if clip.fold == fold else clip.label for clip in store.clips]
    fit = ClassFit(network=network, epochs=epochs, validation_split=0.0, verbose=0)  # type: ignore[arg-type]
    train_classifier(store, labels, fit, folder / "model")
    made = make_edge_classifier(folder / "model", [archive], max_drop=1.0)
    memory = export_classifier_c(folder / "model", folder / "c")
    classifier, int8 = Classifier.open(folder / "model"), Int8Network(folder / "model" / NETWORK)
    right = []
    for place, clip in enumerate(store.clips):
        if clip.fold == fold and not clip.augmentation:
            frames = np.array(store.clip_frames(place))
            answers = (
                classifier.probabilities(frames),
                softmax(int8(made.windows(prepare_frames(frames, classifier.feature)))).mean(
                    axis=0
                ),
            )
            right.append([made.labels[int(np.argmax(answer))] == clip.label for answer in answers])
    full, edge = np.mean(right, axis=0)
    sizes = f"{memory.model_flash:,} | {memory.arena:,} | {memory.verdicts['ESP32-S3']}"
    return f"| {network} | {len(right)} | {full:.3f} | {edge:.3f} | {sizes} |"


if __name__ == "__main__":
    main()
