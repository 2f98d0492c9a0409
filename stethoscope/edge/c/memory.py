"""Memory and time that a model needs on a microcontroller, and the boards that have them."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

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
    macs : float
        int8 multiply-accumulates per second that plain C reaches, at 10 cycles each.
    """

    name: str
    ram: int
    flash: int
    macs: float


BOARDS = (
    Board("ESP32", 160_000, 1_500_000, 24e6),
    Board("ESP32-S3", 300_000, 3_000_000, 24e6),
    Board("Cortex-M4, 256 kB", 192_000, 900_000, 6.4e6),
    Board("Cortex-M7", 400_000, 1_800_000, 40e6),
)
"""ESP32 at 240 MHz (at most 160 kB of its memory can be static), nRF52840-like M4 at 64 MHz,
STM32F7/H7-like M7 at 400 MHz.
"""


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
        network = [
            ("of these for the network in plain C", f"{self.plain_ram:,} bytes"),
            ("tensor arena instead, with NETWORK_TFLM", f"{self.arena:,} bytes ({how})"),
        ]
        rows = [
            ("Flash, model", f"{self.model_flash:,} bytes"),
            ("Flash, tables of the front end", f"{self.tables_flash:,} bytes"),
            ("Flash, code, about", f"{self.code_flash:,} bytes"),
            ("RAM, detector_t", f"{self.detector_ram:,} bytes"),
            *(network if self.arena else []),
            *([("RAM, the clip", f"{self.clip_ram:,} bytes")] if self.clip_ram else []),
            (
                "Multiply-accumulates per second of sound",
                f"{self.macs_per_second / 1e6:.2f} million",
            ),
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
            "| board | verdict |",
            "|---|---|",
            *(f"| {board} | {text} |" for board, text in self.verdicts.items()),
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
    """
    measured = smallest_arena(content)
    arena = measured or _estimated_arena(network)
    code = 8_000
    plain = 2 * network.buffer_size
    flash, ram = len(content) + tables + code, detector - plain + clip + min(plain, arena)
    macs = runs * network.macs + frame_macs
    return MemoryReport(
        model_flash=len(content),
        tables_flash=tables,
        code_flash=code,
        arena=arena,
        arena_measured=measured is not None,
        plain_ram=plain,
        detector_ram=detector,
        clip_ram=clip,
        macs_per_second=macs,
        verdicts={board.name: _verdict(board, flash, ram, macs) for board in BOARDS},
    )


def report_pooled_memory(
    *,
    model: int,
    tables: int,
    detector: int,
    frame_macs: float,
    block_macs: float,
    block_seconds: float,
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
    """
    flash, macs = model + tables + _POOLED_CODE, frame_macs + block_macs / block_seconds
    return MemoryReport(
        model_flash=model,
        tables_flash=tables,
        code_flash=_POOLED_CODE,
        arena=0,
        arena_measured=False,
        plain_ram=0,
        detector_ram=detector,
        clip_ram=0,
        macs_per_second=macs,
        verdicts={board.name: _verdict(board, flash, detector, macs) for board in BOARDS},
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


def _verdict(board: Board, flash: int, ram: int, macs: float) -> str:
    lacking = [
        f"{name} {need:,} of {there:,} bytes"
        for name, need, there in (("flash", flash, board.flash), ("RAM", ram, board.ram))
        if need > there
    ]
    if macs > board.macs:
        lacking.append(
            f"{macs / 1e6:.1f} of {board.macs / 1e6:.1f} million multiply-accumulates per second"
        )
    return (
        f"does not fit: {'; '.join(lacking)}"
        if lacking
        else f"fits, {100 * macs / board.macs:.0f} % of its time"
    )
