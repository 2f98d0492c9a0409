import pytest

from stethoscope.errors import ParameterError
from stethoscope.sound.framing import Framing


def test_hop_may_be_as_long_as_a_frame() -> None:
    assert Framing(n_fft=256, hop_length=256).hop_length == 256
    with pytest.raises(ParameterError, match="hop_length is 257; it must not exceed n_fft, 256"):
        Framing(n_fft=256, hop_length=257)


@pytest.mark.parametrize("values", [{"sample_rate": -1}, {"channel": -1}, {"n_fft": 8}])
def test_values_outside_their_range_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(
        ParameterError, match=f"{next(iter(values))} is {next(iter(values.values()))}"
    ):
        Framing(**values)
