import re
from pathlib import Path

import pytest

from stethoscope.classification.evaluate import extract_sounds
from stethoscope.classification.options import CLASS_FIT, feature_of
from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError, ParameterError
from stethoscope.kubeflow.parameters import cast_values, parse_assignments, read_parameters
from stethoscope.runs.pipelines import compiled_file
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes

ROOT = Path(__file__).resolve().parents[2]


def sound(label: str, fold: int, number: int = 0) -> Clip:
    return Clip(
        path=f"{label}{fold}{number}.wav",
        recording=f"{label}{fold}{number}",
        label=label,
        fold=fold,
        source="absent",
    )


@pytest.mark.parametrize(
    ("clips", "n_folds", "message"),
    [
        ([sound("dog", 1), sound("dog", 2)], 0, "only one class, 'dog'"),
        ([sound("", 1), sound("", 2)], 0, "no labelled clip"),
        ([sound("dog", 0), sound("cat", 0)], 0, "gives no fold for it; set class_folds"),
        (
            [sound("dog", 1), sound("dog", 2), sound("cat", 1), sound("cat", 1, 1)],
            0,
            "class 'cat' lies in fold 1 alone",
        ),
        (
            [sound("dog", 0, n) for n in range(5)] + [sound("cat", 0, n) for n in range(2)],
            3,
            "class 'cat' has 2 recordings",
        ),
    ],
)
def test_sets_that_cannot_be_divided_are_refused_before_anything_is_decoded(
    clips: list[Clip], n_folds: int, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=message):
        extract_sounds(
            [tmp_path / "absent"], clips, feature_of({}), tmp_path / "store", n_folds=n_folds
        )
    assert not (tmp_path / "store").exists()


def test_a_network_hears_its_feature_in_the_channels_and_the_length_that_are_wanted() -> None:
    mel = LogMel(sample_rate=16_000, n_mels=64, pad_mode="constant")
    assert feature_of({"class_sample_rate": 16_000}) == mel
    assert feature_of({"class_network": "mfcc-cnn", "class_channel": 1}) == Mfcc(channel=1)
    wanted = Planes(of=mel, channels=2, seconds=4.0, pad="silence", cut=True)
    given = {"sample_rate": 16_000, "channels": 2, "seconds": 4.0, "pad": "silence", "cut": True}
    assert feature_of({f"class_{name}": value for name, value in given.items()}) == wanted
    with pytest.raises(
        ParameterError, match="class_sample_rate is -1; it must be at least 0; class_channel is -2"
    ):
        feature_of({"class_sample_rate": -1, "class_channel": -2})


def test_the_recipe_of_the_docs_is_the_teaching_examples() -> None:
    """Every parameter of the command exists and works, and the network hears two planes of 64
    bands, four seconds at once.
    """
    page = (ROOT / "docs" / "classify.md").read_text(encoding="utf-8")
    command = next(
        block
        for block in re.findall(r"```\n(.*?)```", page, re.DOTALL)
        if "UrbanSound8K.tar.gz" in block
    )
    assigned = parse_assignments(re.findall(r"-p (\S+)", command))
    parameters = read_parameters(compiled_file("sound-classification"))
    given = cast_values(parameters, {"dataset_url": "x.zip", **assigned})
    values = {name: given.get(name, one.default) for name, one in parameters.items()}
    feature = feature_of(values)
    assert isinstance(feature, Planes)
    assert (feature.sample_rate, feature.channels, feature.of.size, feature.window) == (
        44_100,
        2,
        64,
        345,
    )
    assert feature.n_frames(10 * 44_100) == feature.n_frames(44_100) == 345
    fit = CLASS_FIT.of(values)
    assert (fit.filters, fit.batch_size, fit.learning_rate, fit.weight_decay) == (
        (8, 16, 32, 64),
        16,
        0.001,
        0.0,
    )
    assert (fit.shift, fit.mask, fit.mixup, fit.dropout, fit.validation_split) == (
        0.4,
        0.1,
        0.0,
        0.0,
        0.0,
    )
