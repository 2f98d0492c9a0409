import pytest

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.errors import DatasetError
from tests.datasets.conftest import Pack


def test_folder_per_class_is_read_when_chosen_by_name(pack: Pack) -> None:
    path = pack(["sounds/dog/1.wav", "sounds/cat/1.wav", "loose.wav"])
    assert index([path], "folders") == [
        Clip(path="sounds/cat/1.wav", recording="sounds/cat/1", label="cat", source="set.zip"),
        Clip(path="sounds/dog/1.wav", recording="sounds/dog/1", label="dog", source="set.zip"),
    ]
    with pytest.raises(DatasetError, match=r"fit no layout.*folders"):
        index([path])
