import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.classification.cross_validation import evaluate_classes
from stethoscope.classification.extract import extract_sounds
from stethoscope.classification.options import ClassFit
from stethoscope.classification.report.page import write_class_report
from stethoscope.classification.train import train_classifier
from stethoscope.datasets.clips import Clip
from stethoscope.sound.logmel import LogMel

pytestmark = pytest.mark.slow


FIT = ClassFit(filters=(4, 8), epochs=2, batch_size=8, validation_split=0.0, verbose=0)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny set of noise and "<tone>", one of whose tones is labelled noise, with features, model
    and results.
    """
    folder = tmp_path_factory.mktemp("classes")
    (folder / "set").mkdir()
    rng, clips = np.random.default_rng(0), []
    for label in ("noise", "<tone>"):
        for number in range(4):
            samples = 0.1 * rng.standard_normal(4000)
            if label == "<tone>":
                samples = 0.01 * samples + 0.5 * np.sin(0.3 * np.arange(4000))
            name = f"{label.strip('<>')}{number}.wav"
            soundfile.write(folder / "set" / name, samples, 8000)
            clips.append(
                Clip(path=name, recording=name, label=label, fold=1 + number % 2, source="set")
            )
    feature = LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16, pad_mode="constant")
    store = extract_sounds(
        [folder / "set"],
        clips,
        feature,
        folder / "store",
        alterations=["noise 0.01", "stretch 0.5"],
    )
    train_classifier(store, [clip.label for clip in store.clips], FIT, folder / "model")
    evaluate_classes(folder / "store", replace(FIT, epochs=1), folder / "results")
    return folder


def written(parts: Path, path: Path) -> str:
    write_class_report(
        path,
        archives=[parts / "set"],
        features=parts / "store",
        model=parts / "model",
        results=parts / "results",
    )
    return path.read_text()


def test_report_shows_the_most_confident_mistakes_first(parts: Path, tmp_path: Path) -> None:
    answers = parts / "results" / "answers.csv"
    rows = answers.read_text().splitlines()
    head, body = rows[0], rows[1:]
    assert head == "source,path,recording,fold,label,answer,<tone>,noise"
    wrong = {"noise0.wav": "<tone>,0.6000,0.4000", "tone1.wav": "noise,0.1000,0.9000"}
    changed = []
    for row in body:
        given = row.split(",")
        answer = wrong.get(
            given[1], f"{given[4]},{float(given[4] != 'noise')},{float(given[4] == 'noise')}"
        )
        changed.append(",".join([*given[:5], answer]))
    answers.write_text("\n".join([head, *changed]) + "\n")
    page = written(parts, tmp_path / "report.html")
    assert "6 of 8 clips classified correctly" in page
    sure, less = (
        page.index(f"Predicted: {answer}, probability {share}")
        for answer, share in (("noise", 90), ("&lt;tone&gt;", 60))
    )
    assert sure < less
    assert "<tone>" not in page, "labels are text, not markup"
    # A player for each of two mistakes, and for three versions of two recordings.
    assert page.count("<audio") == 2 + 2 * 3
    assert page.count("stretch 0.5") >= 2
    assert "Epoch 3" in page
    assert "was not tested itself" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page), "the page stands alone"
