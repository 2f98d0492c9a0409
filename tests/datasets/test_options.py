import pytest

from stethoscope.datasets.options import DATASET
from stethoscope.errors import ParameterError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset_url": ""}, "dataset_url is empty"),
        ({"dataset_url": "simulated/fan?speed=3"}, "no option 'speed'"),
        ({"dataset_layout": "dcase1999"}, "dataset_layout is 'dcase1999'; choose one of auto"),
        ({"dataset_md5": "abc"}, "dataset_md5 is 'abc'"),
    ],
)
def test_impossible_data_set_is_refused(changes: dict[str, str], message: str) -> None:
    DATASET.check(DATASET.defaults)
    with pytest.raises(ParameterError, match=message):
        DATASET.check(DATASET.defaults | changes)
