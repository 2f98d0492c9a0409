"""An event detector as C: the int8 network, and the decoder that makes events of its scores."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from stethoscope.bundle.bundle import Bundle
from stethoscope.edge.c.layers import PlainNetwork
from stethoscope.edge.c.target import Int8File, Target
from stethoscope.edge.c.text import Array, Constant, single
from stethoscope.events.decoder import Search, evidence
from stethoscope.events.model import Event, EventClass, EventDetector
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
        return output.reshape(-1), 8 * file.layers.out_scale

    return Target(
        kind="events",
        name=bundle.name,
        task="finds events in a stream of sound",
        file=file,
        feature=detector.feature,
        window=detector.window,
        stride=detector.stride,
        mean=detector.mean,
        deviation=detector.deviation,
        constants=_constants(detector),
        golden_scores=golden_scores,
        labels=tuple(one.label for one in detector.classes),
        arrays=_arrays(detector, file.layers),
        golden=_golden_events(detector, file.layers),
    )


def _constants(detector: EventDetector) -> tuple[Constant, ...]:
    classes = detector.classes
    thresholds = (
        Constant(
            f"THRESHOLD_{index}" if len(classes) > 1 else "THRESHOLD",
            single(one.threshold),
            "score that is no evidence for or against an event, calibrated on this int8 model",
        )
        for index, one in enumerate(classes)
    )
    hold_off = classes[0].decoder.hold_off
    n_lengths = sum(len(one.decoder.density) for one in classes)
    return (
        Constant("SPECTRUM_MEAN", single(detector.mean), "of the training frames"),
        Constant("SPECTRUM_STD", single(detector.deviation)),
        *thresholds,
        Constant("HOLD_OFF", f"{hold_off}u", "windows from an event's end to its report"),
        Constant(
            "EVENT_LENGTHS", str(n_lengths), "that are distinguished, in windows, of all classes"
        ),
    )


def _arrays(detector: EventDetector, network: PlainNetwork) -> tuple[Array, ...]:
    """Return the tables of all classes, one class after the other."""
    scores = _dequantise(np.arange(-128, 128), network)
    decoders = [one.decoder for one in detector.classes]
    ends = np.cumsum([0, *(len(decoder.density) for decoder in decoders)])
    return (
        Array(
            "EVIDENCE",
            np.concatenate([evidence(scores, one.threshold) for one in detector.classes]),
            "of every output from -128, over the threshold, 256 for each class",
        ),
        Array(
            "EVENT_COST",
            np.array([decoder.cost for decoder in decoders], dtype=np.float32),
            "evidence that an event of each class needs",
        ),
        Array(
            "EVENT_FIRST",
            ends.astype(np.uint16),
            "place of each class's first length in the arrays below, and where the last one ends",
        ),
        Array(
            "LENGTH_DENSITY",
            np.concatenate([decoder.density for decoder in decoders]),
            "logarithm of the probability of every length from 1 window",
        ),
        Array(
            "LENGTH_SURVIVAL",
            np.concatenate([decoder.survival for decoder in decoders]),
            "of that length or more",
        ),
    )


def _golden_events(detector: EventDetector, network: PlainNetwork) -> tuple[Array, ...]:
    """Return invented outputs of the network, and the events that they must give."""
    rng = np.random.default_rng(0)
    invented = [_invented_answers(one, rng) for one in detector.classes]
    answers = np.full((max(map(len, invented)), len(invented)), -128, dtype=np.int8)
    for column, values in zip(answers.T, invented, strict=True):
        column[: len(values)] = values
    rate = detector.feature.sample_rate
    events = [
        [*(round(time * rate) for time in (event.start, event.end, event.reported_at)), index]
        for index, event in _as_reported(detector.classes, _dequantise(answers, network))
    ]
    # C has no array without elements. A detector that needs more evidence for an event than these
    # outputs give has nothing to compare.
    if not events:
        return ()
    return Array("GOLDEN_ANSWER", answers), Array("GOLDEN_EVENT", np.array(events, dtype=np.uint32))


def _invented_answers(one: EventClass, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """Return outputs for a class, of short and long events, near to each other and far apart.

    They are clear and doubtful.
    """
    levels = np.concatenate(
        [
            np.full(max(1, round(length * one.decoder.length)), level)
            for gap, event in zip(rng.uniform(0.05, 4, 16), rng.lognormal(0, 0.8, 16), strict=True)
            for length, level in ((gap, -110), (event, 110))
        ]
    )
    noisy = np.rint(levels + 60 * rng.standard_normal(len(levels)))
    return np.clip(noisy, -128, 127).astype(np.int8)


def _as_reported(classes: Sequence[EventClass], scores: Frames) -> Iterator[tuple[int, Event]]:
    """Yield the events in the scores of all classes, as a stream reports them, with their class."""
    searches = [Search(one.decoder) for one in classes]
    values = [evidence(scores[:, index], one.threshold) for index, one in enumerate(classes)]
    for window, row in enumerate(scores):
        for index, search in enumerate(searches):
            for found in search.step(values[index][window], row[index]):
                yield index, classes[index].event(found)
    for index, search in enumerate(searches):
        for found in search.finish():
            yield index, classes[index].event(found)


def _dequantise(answers: npt.NDArray[np.integer], network: PlainNetwork) -> npt.NDArray[np.float32]:
    """Return the scores of the network's int8 output."""
    scores: npt.NDArray[np.float32] = (
        answers.astype(np.float32) - np.float32(network.out_zero)
    ) * np.float32(network.out_scale)
    return scores
