"""An event detector as C: the int8 network, and the decoder that makes events of its scores."""

import numpy as np
import numpy.typing as npt

from stethoscope.bundle.bundle import Bundle
from stethoscope.edge.c.layers import PlainNetwork
from stethoscope.edge.c.target import Int8File, Target
from stethoscope.edge.c.text import Array, Constant, single
from stethoscope.events.decoder import evidence
from stethoscope.events.model import EventDetector
from stethoscope.sound.definition import Frames


def event_target(bundle: Bundle) -> Target:
    """Describe the event detector of a bundle.

    Raises
    ------
    ModelError
        If plain C cannot run its network.
    """
    folder = bundle.folder / "models" / "events"
    detector, file = (
        EventDetector.open(folder, "int8"),
        Int8File.read(folder / "events_int8.tflite"),
    )

    def golden_scores(output: Frames, _: Frames) -> tuple[npt.NDArray[np.float32], float]:
        # A feature on the border between two int8 steps may fall to either side, which moves a
        # score by a few steps.
        return output[:, 0], 8 * file.layers.out_scale

    return Target(
        kind="events",
        name=bundle.name,
        file=file,
        feature=detector.feature,
        window=detector.window,
        stride=detector.stride,
        mean=detector.mean,
        deviation=detector.deviation,
        constants=_constants(detector),
        golden_scores=golden_scores,
        labels=tuple(detector.labels),
        arrays=_arrays(detector, file.layers),
        golden=_golden_events(detector, file.layers),
    )


def _constants(detector: EventDetector) -> tuple[Constant, ...]:
    decoder = detector.decoder
    return (
        Constant("SPECTRUM_MEAN", single(detector.mean), "of the training frames"),
        Constant("SPECTRUM_STD", single(detector.deviation)),
        Constant(
            "THRESHOLD",
            single(detector.threshold),
            "score that is no evidence for or against an event, calibrated on this int8 model",
        ),
        Constant("HOLD_OFF", f"{decoder.hold_off}u", "windows from an event's end to its report"),
        Constant("EVENT_COST", single(decoder.cost), "evidence that an event needs"),
        Constant("EVENT_LENGTHS", str(len(decoder.density)), "that are distinguished, in windows"),
    )


def _arrays(detector: EventDetector, network: PlainNetwork) -> tuple[Array, ...]:
    decoder = detector.decoder
    scores = _dequantise(np.arange(-128, 128), network)
    return (
        Array(
            "EVIDENCE",
            evidence(scores, detector.threshold),
            "of every output from -128, over THRESHOLD",
        ),
        Array(
            "LENGTH_DENSITY",
            decoder.density,
            "logarithm of the probability of every length from 1 window",
        ),
        Array("LENGTH_SURVIVAL", decoder.survival, "of that length or more"),
    )


def _golden_events(detector: EventDetector, network: PlainNetwork) -> tuple[Array, ...]:
    """Return invented outputs of the network, and the events that they must give.

    The events are short and long, near to each other and far apart, clear and doubtful.
    """
    rng = np.random.default_rng(0)
    levels = np.concatenate(
        [
            np.full(max(1, round(length * detector.decoder.length)), level)
            for gap, event in zip(rng.uniform(0.05, 4, 16), rng.lognormal(0, 0.8, 16), strict=True)
            for length, level in ((gap, -110), (event, 110))
        ]
    )
    noisy = np.rint(levels + 60 * rng.standard_normal(len(levels)))
    answers = np.clip(noisy, -128, 127).astype(np.int8)
    rate = detector.feature.sample_rate
    events = [
        [round(time * rate) for time in (event.start, event.end, event.reported_at)]
        for event in detector.events(_dequantise(answers, network))
    ]
    # C has no array without elements. A detector that needs more evidence for an event than these
    # outputs give has nothing to compare.
    if not events:
        return ()
    return Array("GOLDEN_ANSWER", answers), Array("GOLDEN_EVENT", np.array(events, dtype=np.uint32))


def _dequantise(answers: npt.NDArray[np.integer], network: PlainNetwork) -> npt.NDArray[np.float32]:
    """Return the scores of the network's int8 output."""
    scores: npt.NDArray[np.float32] = (
        answers.astype(np.float32) - np.float32(network.out_zero)
    ) * np.float32(network.out_scale)
    return scores
