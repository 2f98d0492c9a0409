"""The parameters of the training of classifiers."""

import re
from pathlib import Path

import pytest

from stethoscope.classification.options import CLASS_FIT, feature_of
from stethoscope.errors import ParameterError
from stethoscope.kubeflow.parameters import cast_values, parse_assignments, read_parameters
from stethoscope.runs.pipelines import compiled_file
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("network", "cnn"),
        ("filters", ()),
        ("dropout", 1.0),
        ("mask", 1.5),
        ("shift", -0.1),
        ("weight_decay", float("nan")),
        ("mixup", -1.0),
        ("learning_rate", 0.0),
    ],
)
def test_values_out_of_range_are_refused_by_the_name_of_the_parameter(
    name: str, value: object
) -> None:
    with pytest.raises(ParameterError, match=f"class_{name} is"):
        CLASS_FIT.of({f"class_{name}": value})


def test_a_network_has_its_feature_in_the_channels_and_the_length_that_are_set() -> None:
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


def test_the_recipe_of_the_docs_is_that_of_the_teaching_example() -> None:
    """Every parameter of the command exists and is in range; the network's input has two planes of
    64 bands, of four seconds.
    """
    page = (ROOT / "docs" / "classify.md").read_text(encoding="utf-8")
    command = next(
        block
        for block in re.findall(r"^```\w*\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
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
