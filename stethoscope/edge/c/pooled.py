"""The default detector as C: levels in bytes, views of a block, and their distances."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from zlib import crc32

import numpy as np
import numpy.typing as npt

from stethoscope import __version__
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.golden import golden_sound
from stethoscope.detection.gaussians import Array as Values
from stethoscope.detection.pooled.pooling import MIN_FRAMES, Pooling
from stethoscope.detection.pooled.score import PooledModel, PooledScorer
from stethoscope.edge.c import frontend
from stethoscope.edge.c.cost import Block, Work, block_work, total
from stethoscope.edge.c.memory import MemoryReport, report_pooled_memory
from stethoscope.edge.c.structs import struct_size
from stethoscope.edge.c.target import anomaly_task, block_sentence
from stethoscope.edge.c.text import Array, Constant, declarations, definitions, quoted, single
from stethoscope.edge.pooled import STEP_DB, EdgePooledScorer
from stethoscope.errors import ModelError
from stethoscope.machines import split_key
from stethoscope.sound.logmel import LogMel

FOLDERS = ("common", "pooled", "mel")
"""The folders of ``sources`` whose files are exported."""

SOURCES = "detector.c pooling.c frontend.c fft.c model.c"

_FILES = """\
| `src/model.h`, `src/model.c` | constants, Gaussians of the views, tables of the front end |
| `src/frontend.*`, `src/fft.*` | the front end, C99, no heap |
| `src/detector.h`, `src/detector.c` | functions for programs; the header explains them |
| `src/pooling.h`, `src/pooling.c` | from the levels of a block to its score |
"""

_BANDS_AT_ONCE = 4
_GOLDEN_SECONDS = 2.5
_VIEW_TOLERANCE = 2e-3
_SCORE_TOLERANCE = 0.05


@dataclass(frozen=True)
class PooledTarget:
    """The detector of one machine type, as the C source needs it.

    Attributes
    ----------
    name : str
    machine : str
        Machine type and id whose sound is scored; an empty id scores as each known one.
    threshold : float
        Of that machine.
    scorer : EdgePooledScorer
    """

    name: str
    machine: str
    threshold: float
    scorer: EdgePooledScorer

    @property
    def task(self) -> str:
        """What the detector does, in words that follow its name."""
        return anomaly_task(self.machine)

    @property
    def facts(self) -> str:
        """A sentence about the results."""
        return block_sentence(self.block_samples / self.feature.sample_rate)

    @property
    def feature(self) -> LogMel:
        """The feature that the views are computed from."""
        return self.scorer.feature

    @property
    def pooling(self) -> Pooling:
        """The way from frames to views."""
        return cast(Pooling, self.scorer.pooling)

    @property
    def model(self) -> PooledModel:
        """The model of the machine type."""
        return self.scorer.models[split_key(self.machine)[0]]

    @property
    def machines(self) -> list[int]:
        """Indices of the machines that sound is scored as."""
        ids = self.model.ids
        machine_id = split_key(self.machine)[1]
        return [ids.index(machine_id)] if machine_id else list(range(len(ids)))

    @property
    def block_frames(self) -> int:
        """Frames of a full block."""
        return self.scorer.block_frames(split_key(self.machine)[0])

    @property
    def block_samples(self) -> int:
        """Samples of a full block, in the middle of those that give as many frames."""
        return (self.block_frames - 1) * self.feature.hop_length + self.feature.hop_length // 2


def pooled_target(bundle: Bundle, machine: str) -> PooledTarget:
    """Describe the default detector of a bundle.

    Parameters
    ----------
    bundle : Bundle
    machine : str
        Machine type and id, ``fan/02``; ``fan/`` scores as each known machine of the type.

    Raises
    ------
    ModelError
        If the detector is of an old recipe.
    """
    scorer = bundle.detector
    if not isinstance(scorer, PooledScorer) or not isinstance(scorer.pooling, Pooling):
        raise ModelError(
            f"{bundle.folder}: its detector {scorer.kind} is of an old version, which has no form "
            "for a microcontroller; train it again"
        )
    threshold = bundle.thresholds.threshold(machine)
    return PooledTarget(bundle.name, machine, threshold, EdgePooledScorer(scorer))


def pooled_values(
    target: PooledTarget, files: Mapping[str, str]
) -> tuple[MemoryReport, dict[str, dict[str, str]]]:
    """Return the memory report, and the values for the templates by name.

    Parameters
    ----------
    target : PooledTarget
    files : mapping of str to str
        The sources by name, of which the headers tell the size of the detector.
    """
    tables, arrays = frontend.arrays(target.feature), _arrays(target)
    constants = [*_constants(target), *frontend.constants(target.feature)]
    memory = report_pooled_memory(
        model=sum(one.values.nbytes for one in arrays),
        tables=sum(one.values.nbytes for one in tables),
        detector=struct_size(
            "detector_t",
            (files["src/pooling.h"], files["src/detector.h"]),
            constants,
        ),
        frame_macs=_frames_per_second(target) * frontend.macs_per_frame(target.feature, tables),
        block_macs=_block_macs(target),
        block_seconds=target.block_frames / _frames_per_second(target),
        work=_work(target),
    )
    constants.append(
        Constant("DETECTOR_BYTES", str(memory.detector_ram), "of detector_t, with 64-bit pointers")
    )
    ids = (target.model.ids[one] for one in target.machines)
    golden_header, golden_source = _golden(target)
    return memory, {
        "src/model.h": {
            "name": target.name,
            "version": __version__,
            "constants": definitions(constants),
            "quoted_name": quoted(target.name),
            "task": quoted(target.task),
            "arrays": declarations([*tables, *arrays]),
        },
        "src/model.c": {
            "machine_ids": ", ".join(map(quoted, ids)),
            "arrays": definitions([*tables, *arrays]).rstrip("\n"),
        },
        "test/golden.h": golden_header,
        "test/golden.c": golden_source,
        "README.md": {"files": _FILES, "operators": ""},
    }


def _frames_per_second(target: PooledTarget) -> float:
    return target.feature.sample_rate / target.feature.hop_length


def _sizes(target: PooledTarget) -> dict[str, int]:
    """Return the number of values of every view."""
    return {view: one.means.shape[1] for view, one in target.model.gaussians.items()}


def _coarse_most(feature: LogMel, coarse: int) -> int:
    """Return the places for the bands of a coarse one, a multiple of those at once."""
    return _BANDS_AT_ONCE * -(-feature.n_mels // (_BANDS_AT_ONCE * coarse))


def _rhythms(target: PooledTarget) -> int:
    """Return the number of rhythms."""
    halves = min(2, target.feature.n_mels)
    return _sizes(target)["rhythm"] // halves


def _constants(target: PooledTarget) -> list[Constant]:
    feature, pooling, sizes = target.feature, target.pooling, _sizes(target)
    rate, block = _frames_per_second(target), target.block_frames
    segment = min(max(1, round(pooling.segment_seconds * rate)), block)
    stride = max(1, round(pooling.hop_seconds * rate))
    samples = target.block_samples
    coarse = sizes["steady"]
    # A block that is shorter than a segment is one segment.
    segments = max(segment, block - segment) // stride + 1
    return [
        Constant("SAMPLE_RATE", str(feature.sample_rate), "in Hz"),
        Constant("FRAME_SIZE", str(feature.n_fft), "samples"),
        Constant("FRAME_STRIDE", str(feature.hop_length), "samples"),
        Constant("FRAME_RATE", single(rate), "frames per second"),
        Constant("SPECTRUM_SIZE", str(feature.size), "values per frame"),
        Constant("BLOCK_FRAMES", str(block), "of a verdict"),
        Constant("BLOCK_SAMPLES", f"{samples}", f"{samples / feature.sample_rate:g} s"),
        Constant("MIN_FRAMES", str(MIN_FRAMES)),
        Constant("LEVEL_LOWEST", single(target.scorer.levels.lowest), "decibels of level 0"),
        Constant("LEVEL_STEP", single(STEP_DB)),
        Constant("COARSE_BANDS", str(coarse)),
        Constant("COARSE_MOST", str(_coarse_most(feature, coarse)), "bands of a coarse one"),
        Constant("BANDS_AT_ONCE", str(_BANDS_AT_ONCE), "that are transformed"),
        Constant("QUIET_SHARE", single(pooling.quiet_share)),
        Constant("QUIET_QUANTILE", single(pooling.quiet_quantile)),
        Constant("SEGMENT_FRAMES", str(segment)),
        Constant("SEGMENT_STRIDE", str(stride)),
        Constant("SEGMENTS", str(segments), "at most"),
        Constant("RANK_WEIGHT", single(pooling.event_order)),
        Constant("LINES", str(block // 2), "of the spectrum over time, at most"),
        Constant("LOWEST_RHYTHM", single(pooling.lowest_hz), "in Hz"),
        Constant("RHYTHMS_PER_OCTAVE", single(pooling.per_octave)),
        Constant("RHYTHMS", str(_rhythms(target))),
        Constant("MODULATION_BANDS", str(sizes["modulation"] // _rhythms(target))),
        Constant("MODULATION_SIZE", str(sizes["modulation"])),
        Constant("RHYTHM_SIZE", str(sizes["rhythm"])),
        Constant("VIEWS", str(len(sizes))),
        Constant("VIEW_MEAN", str(list(sizes).index("mean")), "which has several segments"),
        Constant("VALUES", str(sum(sizes.values())), "of all views"),
        Constant("VALUES_MOST", str(max(sizes.values())), "of one view"),
        Constant("MACHINES", str(len(target.machines))),
        Constant("LENGTHS", str(len(target.model.lengths.frames))),
        Constant("THRESHOLD", single(target.threshold), f"of the score, for {target.machine}"),
    ]


def _arrays(target: PooledTarget) -> list[Array]:
    model, machines = target.model, target.machines
    factors = target.scorer.factors[split_key(target.machine)[0]]
    sizes = list(_sizes(target).values())
    means = np.concatenate(
        [
            np.concatenate([one.means[machine] for one in model.gaussians.values()])
            for machine in machines
        ]
    )
    triangles = [size * (size + 1) // 2 for size in sizes]

    def starts(lengths: list[int]) -> npt.NDArray[np.uint16]:
        return np.cumsum([0, *lengths[:-1]]).astype(np.uint16)

    def floats(values: Values) -> npt.NDArray[np.float32]:
        return np.asarray(values, dtype=np.float32)

    return [
        Array("VIEW_SIZE", np.array(sizes, dtype=np.uint16), "values of every view"),
        Array("VIEW_FIRST", starts(sizes), "first value of every view"),
        Array("VIEW_FACTOR", starts(triangles), "first of FACTORS"),
        Array("VIEW_CENTRE", floats(model.centre[:, machines].T), "machine after machine"),
        Array("VIEW_SCALE", floats(model.scale)),
        Array("VIEW_WEIGHT", floats(model.weights)),
        Array("LENGTH_FRAMES", floats(model.lengths.frames), "lengths of blocks, in frames"),
        Array("LENGTH_OFFSETS", floats(model.lengths.offsets), "what they score higher"),
        Array("MEANS", floats(means), "of the views, machine after machine"),
        Array(
            "INVERSE_UNITS",
            floats(1.0 / np.concatenate([one.units for one in factors.values()])),
            "of the values",
        ),
        Array("FACTOR_STEPS", np.concatenate([one.steps for one in factors.values()])),
        Array(
            "FACTORS",
            np.concatenate([one.columns for one in factors.values()]),
            "of the precision, column after column",
        ),
    ]


def _work(target: PooledTarget) -> Work:
    """Return what the detector computes."""
    feature, sizes, bands = target.feature, _sizes(target), target.feature.n_mels
    coarse, numbers = sizes["steady"], {one.name: one.value for one in _constants(target)}
    triangle = {view: size * (size + 1) // 2 for view, size in sizes.items()}
    block = Block(
        frames=target.block_frames,
        bands=bands,
        groups=tuple(bands // coarse + (one < bands % coarse) for one in range(coarse)),
        machines=len(target.machines),
        segments=int(numbers["SEGMENTS"]),
        segment_frames=int(numbers["SEGMENT_FRAMES"]),
        segment_stride=int(numbers["SEGMENT_STRIDE"]),
        rhythms=_rhythms(target),
        rhythm_groups=(sizes["modulation"] + sizes["rhythm"]) // _rhythms(target),
        mean_factor=triangle["mean"],
        other_factors=sum(triangle.values()) - triangle["mean"],
    )
    moved = {
        "level that is rounded": bands,
        "byte that is moved": 2 * (feature.n_fft - feature.hop_length),
    }
    return block_work(
        frame=total([(1, frontend.frame_operations(feature)), (1, moved)]),
        frame_rate=_frames_per_second(target),
        n_frames=target.block_frames,
        block=block.operations(),
    )


def _block_macs(target: PooledTarget) -> float:
    """Return the multiply-accumulates of the score of a full block.

    They are those of the transform over time, and of the distances.
    """
    lines, sizes = target.block_frames // 2, _sizes(target)
    transform = 2 * lines * lines * target.feature.n_mels
    segments = target.block_frames / max(
        1, round(target.pooling.hop_seconds * _frames_per_second(target))
    )
    triangle = {view: size * (size + 1) // 2 for view, size in sizes.items()}
    distances = sum(triangle.values()) + (segments - 1) * triangle["mean"]
    return transform + len(target.machines) * distances


def _golden(target: PooledTarget) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values for the templates of ``golden.h`` and ``golden.c``."""
    feature, scorer = target.feature, target.scorer
    n_samples = min(round(_GOLDEN_SECONDS * feature.sample_rate), target.block_samples)
    sound = golden_sound(feature.sample_rate, n_samples / feature.sample_rate)[:n_samples]
    pcm = np.rint(sound * 32767).astype(np.int16)
    frames = feature.extract(frontend.to_float(pcm))
    levels, rounded = scorer.levels.steps(frames), scorer.levels.rounded(frames)
    views = target.pooling(rounded, _frames_per_second(target))
    order = ("steady", "events", "modulation", "rhythm")
    values = np.concatenate([views[view].mean(axis=0) for view in order])
    score, machine = target.model.score(
        rounded, _frames_per_second(target), target.pooling, split_key(target.machine)[1]
    )
    factors = next(one for one in _arrays(target) if one.name == "FACTORS")
    arrays = [
        Array("GOLDEN_PCM", pcm),
        Array("GOLDEN_LEVEL", levels),
        Array("GOLDEN_VIEW", values.astype(np.float32)),
        Array("GOLDEN_SCORE", np.array([score], dtype=np.float32)),
    ]
    constants = [
        Constant("GOLDEN_SAMPLES", str(len(pcm))),
        Constant("GOLDEN_FRAMES", str(len(levels))),
        Constant("GOLDEN_MACHINE", str(target.machines.index(machine))),
        Constant("GOLDEN_CRC", f"0x{crc32(factors.values.tobytes()):08x}u", "CRC-32 of FACTORS"),
        Constant("VIEW_TOLERANCE", single(_VIEW_TOLERANCE)),
        Constant("SCORE_TOLERANCE", single(_SCORE_TOLERANCE), "a level may differ by a step"),
    ]
    header = {"constants": definitions(constants), "arrays": declarations(arrays)}
    return header, {"arrays": definitions(arrays).rstrip("\n")}
