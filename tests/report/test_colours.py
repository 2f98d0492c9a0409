import numpy as np
import pytest
from matplotlib import colormaps

from stethoscope.report.colours import COLOUR_MAPS, coloured


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colours_are_those_of_matplotlib(name: str, dtype: type) -> None:
    values = np.linspace(-0.2, 1.2, 4003).astype(dtype)
    expected = colormaps[name](values, bytes=True)[:, :3]
    np.testing.assert_array_equal(coloured(values, name), expected)
