"""What the network takes, the weights of its first layer, and its settings."""

import numpy as np

from stethoscope.events.report.inputs import EventInputs
from stethoscope.report.charts import Axis, framed
from stethoscope.report.common import settings_section
from stethoscope.report.html import Html, tag
from stethoscope.report.media import picture
from stethoscope.report.page import Section, section
from stethoscope.report.spectrogram import spectrogram, value_axis

MAX_FILTERS = 16
"""Most filters that are shown."""

_SETTINGS = ("window", "stride", "decoder", "thresholds", "classes")
_WEIGHT_COLOURS = "RdBu_r"


def network_section(inputs: EventInputs) -> Section:
    """Return the first training window inside an event, and the filters of the first layer."""
    text = (
        "The network takes windows of the band spectrum, such as the first one below. The filters "
        "of the first layer are shown by their weights: sound in a red band increases the output "
        "of the filter, sound in a blue band decreases it."
    )
    cards = [_window_card(inputs), *_filter_cards(inputs)]
    gallery = tag("div", cards, class_="gallery")
    return section("network", "Input and first layer", tag("p", text), gallery, folded=True)


def _window_card(inputs: EventInputs) -> Html:
    windows, detector = inputs.windows, inputs.detector
    training = windows.of("training")
    first = training[np.flatnonzero(windows.label[training].any(axis=1))[0]]
    window = windows.gather(inputs.store, np.array([first]), detector.window)[0]
    feature = detector.feature
    start = float(windows.first[first]) * feature.hop_length / feature.sample_rate
    return tag(
        "figure",
        tag("figcaption", "First window inside an event"),
        tag("p", inputs.store.clips[int(windows.clip[first])].path),
        spectrogram(window, feature, "Band spectrum of the window", start=start),
        class_="card clip",
    )


def _filter_cards(inputs: EventInputs) -> list[Html]:
    weights = inputs.first_layer
    highest = float(np.abs(weights).max()) or 1.0
    n_frames, _, n_filters = weights.shape
    ticks = tuple((float(index), str(index)) for index in range(n_frames))
    offsets = Axis(-0.5, n_frames - 0.5, ticks, "frame")
    frequencies = value_axis(inputs.detector.feature)
    return [
        tag(
            "figure",
            tag("figcaption", f"Filter {index + 1}"),
            framed(
                picture(0.5 + weights[:, :, index] / (2 * highest), _WEIGHT_COLOURS),
                offsets,
                frequencies,
                f"Weights of filter {index + 1}",
            ),
            class_="card clip",
        )
        for index in range(min(n_filters, MAX_FILTERS))
    ]


def event_settings_section(inputs: EventInputs) -> Section:
    """Return the settings of the feature and the network, and the versions."""
    settings = {
        **{name: inputs.model[name] for name in _SETTINGS if name in inputs.model},
        "fit": inputs.model["fit"],
        "feature": inputs.detector.feature.to_json(),
    }
    return settings_section(settings, inputs.model.get("versions", {}))
