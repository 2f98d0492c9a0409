"""Memory and time that a model needs on a microcontroller, and the boards that have them."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from stethoscope.edge.c.cost import COSTS, ESP32, FPU, NO_FPU, Work, instructions
from stethoscope.edge.c.layers import PlainNetwork

_ARENA_STEP = 16
_ARENA_MOST = 1 << 22
_OVERHEAD = 2048
_POOLED_CODE = 16_000
_BYTES_PER_OPERATOR = 160


@dataclass(frozen=True, slots=True)
class Board:
    """Memory and speed of a board.

    Attributes
    ----------
    name : str
    ram, flash : int
        Bytes for static data and code of the detector, beside a radio stack where the board has
        one.
    core : str
        Whose instructions are counted.
    megahertz : float
    cycles : float
        Per instruction, at most.
    """

    name: str
    ram: int
    flash: int
    core: str
    megahertz: float
    cycles: float

    def seconds(self, instructions: Mapping[str, float]) -> float:
        """Return the time that instructions take, in seconds, from their numbers by core."""
        return instructions[self.core] * self.cycles / (1e6 * self.megahertz)


BOARDS = (
    Board("ESP32", 160_000, 1_500_000, ESP32, 240, 2.0),
    Board("ESP32-S3", 300_000, 3_000_000, ESP32, 240, 2.0),
    Board("Cortex-M0+, 264 kB", 200_000, 1_800_000, NO_FPU, 133, 1.5),
    Board("Cortex-M4, 256 kB", 192_000, 900_000, FPU, 64, 1.5),
    Board("Cortex-M7", 400_000, 1_800_000, FPU, 400, 1.5),
)
"""ESP32 (at most 160 kB of its memory can be static), RP2040-like M0+, nRF52840-like M4,
STM32F7/H7-like M7.
"""

_MOST_TIME = 0.8
"""Fraction of a board's time that a detector may take."""

_STACK = {"network": 640, "pooled": 1024}
"""Bytes of stack, above what QEMU found."""

_HOW_COUNTED = """\
Instructions are those of gcc 12 at `-O2`, from counts of every part by QEMU; `-Os` takes up to a
quarter more. A verdict allows 1.5 cycles for each on a Cortex-M, 2 on an ESP32. The instructions on
an ESP32 were not counted: the network is given 2.7 times those on a Cortex-M4F without DSP, the
most that five networks took on a smaller core of the same family, the lx106; the front end is
assumed to take those on a Cortex-M4F. Nothing was measured on a board."""


@dataclass(frozen=True)
class MemoryReport:
    """Memory and time that a model needs.

    Attributes
    ----------
    model_flash, tables_flash, code_flash : int
        Bytes of the model and of the tables, and about those of the code.
    arena : int
        Smallest tensor arena of TensorFlow Lite Micro, in bytes.
    arena_measured : bool
        Whether TensorFlow Lite Micro ran in it; otherwise it is an estimate from the sizes of the
        tensors.
    plain_ram : int
        Bytes of ``detector_t`` that network.c needs instead of the arena.
    detector_ram : int
        ``sizeof(detector_t)`` with 64-bit pointers: front end, window, network and state.
    clip_ram : int
        Bytes of a clip that is kept whole; 0 for a stream.
    macs_per_second : float
        Multiply-accumulates of network and front end for a second of sound.
    instructions, longest_call : dict of str to float
        Instructions per second of sound and in the longest call, by core.
    stack : int
        Bytes of stack, at most.
    verdicts : dict of str to str
        By board, with the network run in the way that needs less memory.
    """

    model_flash: int
    tables_flash: int
    code_flash: int
    arena: int
    arena_measured: bool
    plain_ram: int
    detector_ram: int
    clip_ram: int
    macs_per_second: float
    instructions: Mapping[str, float]
    longest_call: Mapping[str, float]
    stack: int
    verdicts: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)

    def to_markdown(self) -> str:
        """Return the report as tables."""
        how = (
            "measured with TensorFlow Lite Micro"
            if self.arena_measured
            else "estimated; install tflite-micro to measure it"
        )
        flash = self.model_flash + self.tables_flash + self.code_flash
        clip = ("RAM, the clip, which the program records", f"{self.clip_ram:,} bytes")
        network = [
            ("of these for the network in plain C", f"{self.plain_ram:,} bytes"),
            ("tensor arena instead, with NETWORK_TFLM", f"{self.arena:,} bytes ({how})"),
        ]
        rows = [
            ("Flash, model", f"{self.model_flash:,} bytes"),
            ("Flash, tables of the front end", f"{self.tables_flash:,} bytes"),
            ("Flash, code, about", f"{self.code_flash:,} bytes"),
            ("Flash, together", f"{flash:,} bytes"),
            ("RAM, detector_t", f"{self.detector_ram:,} bytes"),
            *(network if self.arena else []),
            *([clip] if self.clip_ram else []),
            ("Stack, at most", f"{self.stack:,} bytes"),
            *(
                (f"Million instructions per second of sound, {core}", _millions(count))
                for core, count in self.instructions.items()
            ),
            *(
                (f"Million instructions in the longest call, {core}", _millions(count))
                for core, count in self.longest_call.items()
            ),
            ("Million multiply-accumulates per second of sound", _millions(self.macs_per_second)),
        ]
        lines = [
            "# Memory and time",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in rows),
        ]
        lines += [
            "",
            "| board | MHz | verdict |",
            "|---|---|---|",
            *(f"| {one.name} | {one.megahertz} | {self.verdicts[one.name]} |" for one in BOARDS),
            "",
            _HOW_COUNTED,
        ]
        return "\n".join(lines) + "\n"


def report_memory(
    content: bytes,
    network: PlainNetwork,
    *,
    tables: int,
    detector: int,
    runs: float,
    frame_macs: float,
    clip: int,
    work: Work,
) -> MemoryReport:
    """Return the memory and time that a model needs.

    Parameters
    ----------
    content : bytes
        The int8 TFLite file.
    network : PlainNetwork
    tables, detector : int
        Bytes of the tables and of ``detector_t``.
    runs : float
        Runs of the network per second of sound.
    frame_macs : float
        Multiply-accumulates of the front end per second of sound.
    clip : int
        Bytes of a clip that is kept whole.
    work : Work
    """
    measured = smallest_arena(content)
    arena = measured or _estimated_arena(network)
    code = 9_000
    plain = 2 * (network.buffer_size + network.patch_size)
    flash, ram = len(content) + tables + code, detector - plain + clip + min(plain, arena)
    time = _Time.of(work)
    return MemoryReport(
        model_flash=len(content),
        tables_flash=tables,
        code_flash=code,
        arena=arena,
        arena_measured=measured is not None,
        plain_ram=plain,
        detector_ram=detector,
        clip_ram=clip,
        macs_per_second=runs * network.macs + frame_macs,
        instructions=time.second,
        longest_call=time.longest,
        stack=_STACK["network"],
        verdicts={board.name: _verdict(board, flash, ram, time) for board in BOARDS},
    )


def report_pooled_memory(
    *,
    model: int,
    tables: int,
    detector: int,
    frame_macs: float,
    block_macs: float,
    block_seconds: float,
    work: Work,
) -> MemoryReport:
    """Return the memory and time that the default detector needs, which has no network.

    Parameters
    ----------
    model, tables, detector : int
        Bytes of the Gaussians, of the tables of the front end and of ``detector_t``.
    frame_macs, block_macs : float
        Multiply-accumulates of the front end per second of sound, and of a block's score.
    block_seconds : float
        Duration of a block.
    work : Work
    """
    flash, time = model + tables + _POOLED_CODE, _Time.of(work)
    return MemoryReport(
        model_flash=model,
        tables_flash=tables,
        code_flash=_POOLED_CODE,
        arena=0,
        arena_measured=False,
        plain_ram=0,
        detector_ram=detector,
        clip_ram=0,
        macs_per_second=frame_macs + block_macs / block_seconds,
        instructions=time.second,
        longest_call=time.longest,
        stack=_STACK["pooled"],
        verdicts={board.name: _verdict(board, flash, detector, time) for board in BOARDS},
    )


def smallest_arena(content: bytes) -> int | None:
    """Return the smallest tensor arena in which TensorFlow Lite Micro runs a model, in bytes.

    It is found by bisection; None without the runtime. On a computer pointers are twice as long as
    on a microcontroller, so the size there is smaller.
    """
    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError:
        return None

    def fits(size: int) -> bool:
        try:
            interpreter = runtime.Interpreter.from_bytes(content, arena_size=size)
            interpreter.invoke()
        except RuntimeError:
            return False
        return True

    low, high = 0, 1 << 12
    with _without_standard_error():
        while not fits(high):
            low, high = high, 2 * high
            if high > _ARENA_MOST:
                return None
        while high - low > _ARENA_STEP:
            middle = (low + high) // 2 // _ARENA_STEP * _ARENA_STEP
            low, high = (low, middle) if fits(middle) else (middle, high)
    return high


@contextmanager
def _without_standard_error() -> Iterator[None]:
    """Discard standard error: the runtime prints a message for every arena that is too small."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _estimated_arena(network: PlainNetwork) -> int:
    """Return an estimate of the tensor arena, in bytes.

    It is the largest sum of a layer's input and output, and what TensorFlow Lite Micro keeps per
    operator.
    """
    sizes = [
        network.input_size,
        *(
            layer.output_shape[0] * layer.output_shape[1] * layer.output_shape[2]
            for layer in network.layers
        ),
    ]
    return (
        max(a + b for a, b in pairwise(sizes))
        + _OVERHEAD
        + _BYTES_PER_OPERATOR * len(network.layers)
    )


@dataclass(frozen=True, slots=True)
class _Time:
    """Instructions by core: for a second of sound, and in the longest call."""

    second: Mapping[str, float]
    longest: Mapping[str, float]

    @classmethod
    def of(cls, work: Work) -> "_Time":
        """Return the instructions of some work."""
        return cls(
            *(
                {core: instructions(part, core) for core in COSTS}
                for part in (work.second, work.longest)
            )
        )


def _verdict(board: Board, flash: int, ram: int, time: _Time) -> str:
    lacking = [
        f"{name} {need:,} of {there:,} bytes"
        for name, need, there in (("flash", flash, board.flash), ("RAM", ram, board.ram))
        if need > there
    ]
    share = board.seconds(time.second)
    if share > _MOST_TIME:
        lacking.append(f"{100 * share:.0f} % of its time")
    return (
        f"does not fit: {'; '.join(lacking)}"
        if lacking
        else f"fits, {100 * share:.0f} % of its time; longest call "
        f"{1000 * board.seconds(time.longest):.0f} ms"
    )


def _millions(count: float) -> str:
    return f"{count / 1e6:.2f}"
