from stethoscope.events.architecture import build
from stethoscope.events.options import EVENTS, EventFit, event_bands, event_fit


def test_network_of_the_teaching_example_is_one_parameter_away() -> None:
    values = {**EVENTS.defaults, "event_network": "teaching"}
    network = build(event_fit(values), event_bands(values).n_bands, 1)
    assert network.count_params() == 1585
    assert [layer.__class__.__name__ for layer in network.layers] == [
        "InputLayer",
        "Conv1D",
        "Conv1D",
        "Flatten",
        "Dense",
    ]


def test_each_convolution_has_its_filters_and_stride() -> None:
    network = build(EventFit(filters=(4, 6), strides=(1, 2), dropout=0.1), 48, 2)
    first, second = network.layers[1:3]
    assert first.output.shape == (None, 30, 4)
    assert second.output.shape == (None, 14, 6)
    assert network.output_shape == (None, 2)
    assert network.count_params() == (3 * 48 + 1) * 4 + (3 * 4 + 1) * 6 + (14 * 6 + 1) * 2


def test_default_network_has_twice_the_bands_and_more_filters() -> None:
    network = build(event_fit(EVENTS.defaults), event_bands(EVENTS.defaults).n_bands, 1)
    assert network.input_shape == (None, 32, 96)
    assert network.count_params() == (3 * 96 + 1) * 12 + (3 * 12 + 1) * 12 + 28 * 12 + 1
