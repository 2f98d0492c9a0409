"""Instructions that exported C takes, counted by QEMU, and the stack that it needs.

    python benchmarks/edge_instructions.py FOLDER [more folders]

Needs arm-none-eabi-gcc with newlib and qemu-system-arm (Debian: gcc-arm-none-eabi,
libnewlib-arm-none-eabi, qemu-system-arm). The sound is noise, as long as a block or a clip, or
10 s. The cores are a Cortex-M4F, the same without the DSP instructions of `network.c`, and a
Cortex-M0+, which has no floating-point unit. A Cortex-M4 takes 1.2 to 1.5 cycles per instruction.
"""

import argparse
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stethoscope.edge.c.cost import FPU, NO_DSP, NO_FPU

_FLAGS = (
    "-std=gnu99 -mthumb -ffunction-sections -fdata-sections -Isrc --specs=nano.specs "
    "--specs=nosys.specs -nostartfiles -Wl,--gc-sections"
)
CORES = {
    FPU: ("-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16", "mps2-an386"),
    NO_DSP: ("-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16 -DNETWORK_PORTABLE", "mps2-an386"),
    NO_FPU: ("-mcpu=cortex-m0plus -mfloat-abi=soft", "mps2-an385"),
}
"""Flags of the compiler, and the machine of QEMU. The second machine's core is a Cortex-M3, which
runs the instructions of a Cortex-M0+ one by one."""

_SCRIPT = """
ENTRY(start)
MEMORY { CODE (rx) : ORIGIN = 0, LENGTH = 4M  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
    .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.ARM*) } > CODE
    .data : { data_from = LOADADDR(.data); data_to = .; *(.data*) . = ALIGN(4); data_end = .; }
        > RAM AT > CODE
    .bss : { *(.bss*) *(COMMON) end = .; } > RAM
}
"""
START = """
#include <stdint.h>
#include <string.h>

enum { STACK_WORDS = 16384 };
#define REGISTER(address) (*(volatile uint32_t *)(address))
extern uint32_t data_from[], data_to[], data_end[]; /* QEMU clears the rest */
static uint32_t stack[STACK_WORDS] __attribute__((aligned(8)));

static int semihost(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

int main(void);
static __attribute__((noinline)) void run_main(void) {
    const uint32_t exit[2] = {0x20026u, (uint32_t)main()};
    semihost(0x20, exit);
}

void start(void) {
    memcpy(data_to, data_from, (size_t)((char *)data_end - (char *)data_to));
#ifdef __ARM_FP
    REGISTER(0xE000ED88u) |= 0xFu << 20; /* the floating-point unit */
    __asm__ volatile("dsb\\nisb");
#endif
    run_main(); /* the compiler may use the unit's registers there */
    for (;;) {
    }
}
__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    &stack[STACK_WORDS], (const void *)start};

int _write(int file, char *text, int count) {
    (void)file;
    for (int i = 0; i < count; i++) {
        semihost(3, text + i);
    }
    return count;
}
"""
HARNESS = (
    START
    + """
#include <math.h>
#include "detector.h"

/* With -icount shift=0 an instruction takes 1 ns, and the timer counts down at 25 MHz. */
enum { INSTRUCTIONS_PER_TICK = 40 };
#if defined(BLOCK_SAMPLES)
enum { SAMPLES = BLOCK_SAMPLES };
#elif defined(CLIP_SAMPLES)
enum { SAMPLES = CLIP_SAMPLES };
static int16_t clip[SAMPLES];
#else
enum { SAMPLES = 10 * SAMPLE_RATE };
#endif
static detector_t detector;
static uint32_t state = 1;

static void print(uint32_t value) {
    char text[12];
    int at = 11;
    text[at] = 0;
    text[--at] = '\\n';
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    semihost(4, text + at);
}

static uint32_t now(void) { return 0u - REGISTER(0x40000004u); }

static void make(int16_t *pcm, int count) {
    for (int i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        pcm[i] = (int16_t)((int32_t)state >> 18);
    }
}

static void begin_timer(void) {
    REGISTER(0x40000008u) = 0xFFFFFFFFu;
    REGISTER(0x40000004u) = 0xFFFFFFFFu;
    REGISTER(0x40000000u) = 1;
}
"""
)
PROGRAM = """
/* Feed everything; the time of making the sound is not counted. */
static void run(uint32_t *total, uint32_t *longest) {
#ifdef CLIP_SAMPLES
    static float probabilities[OUTPUT_SIZE];
    make(clip, SAMPLES);
    detector_init(&detector);
    const uint32_t began = now();
    detector_classify(&detector, clip, SAMPLES, probabilities);
    *total = *longest = now() - began;
#else
    static int16_t pcm[100];
#ifdef BLOCK_SAMPLES
    detector_init(&detector, 0, 0);
#else
    detector_init(&detector, 0, 0, 0);
#endif
    for (int done = 0; done < SAMPLES; done += 100) {
        make(pcm, 100);
        const uint32_t began = now();
        detector_feed(&detector, pcm, 100);
        const uint32_t ticks = now() - began;
        *total += ticks;
        *longest = ticks > *longest ? ticks : *longest;
    }
#endif
}

int main(void) {
    uint32_t total = 0, longest = 0;
    int used = 0;
    begin_timer();
    for (int i = 0; i < STACK_WORDS - 64; i++) {
        stack[i] = 0xA5A5A5A5u;
    }
    run(&total, &longest);
    while (stack[used] == 0xA5A5A5A5u) {
        used++;
    }
    print((uint32_t)((uint64_t)total * INSTRUCTIONS_PER_TICK * SAMPLE_RATE / SAMPLES));
    print((uint32_t)((uint64_t)longest * INSTRUCTIONS_PER_TICK));
    print((uint32_t)(4 * (STACK_WORDS - used)));
    return 0;
}
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What exported C takes on a core.

    Attributes
    ----------
    second, longest : int
        Instructions per second of sound, and in the longest call.
    stack, flash : int
        Bytes of stack, and of code and constants with those of the program around them.
    doubles : list of str
        Functions for numbers in double precision that are linked.
    """

    second: int
    longest: int
    stack: int
    flash: int
    doubles: list[str]


def measure(folder: Path, optimisation: str, core: str = FPU) -> Measured:
    """Measure the C of a folder."""
    numbers, built = emulate(folder, HARNESS + PROGRAM, core, optimisation)
    second, longest, stack = numbers
    doubles = re.findall(r"__aeabi_(?:d|f2d)\w*", built.symbols)
    return Measured(second, longest, stack, built.flash, doubles)


@dataclass(frozen=True, slots=True)
class Built:
    """A program: its bytes in flash, and the list of its symbols."""

    flash: int
    symbols: str


def emulate(
    folder: Path, text: str, core: str, optimisation: str, included: tuple[str, ...] = ()
) -> tuple[list[int], Built]:
    """Run a program with the sources of a folder; return the numbers that it prints.

    The sources that the program includes itself are not compiled beside it.
    """
    sources = [one for one in sources_of(folder) if Path(one).name not in included]
    done, built = execute(folder, text, core, sources, optimisation)
    done.check_returncode()
    return [int(line) for line in (done.stdout + done.stderr).split()], built


def sources_of(folder: Path) -> list[str]:
    """Return the sources of a folder, relative to it."""
    return [f"src/{one.name}" for one in sorted((folder / "src").glob("*.c"))]


def execute(
    folder: Path, text: str, core: str, sources: Sequence[str], *flags: str
) -> tuple[subprocess.CompletedProcess[str], Built]:
    """Compile a program and sources for a core, and run it in QEMU."""
    options, machine = CORES[core]
    with tempfile.TemporaryDirectory() as scratch:
        program, script, binary = (Path(scratch) / name for name in ("main.c", "x.ld", "x.elf"))
        program.write_text(text)
        script.write_text(_SCRIPT)
        command = ["arm-none-eabi-gcc", *_FLAGS.split(), *options.split(), *flags, f"-T{script}"]
        subprocess.run([*command, program, *sources, "-o", binary, "-lm"], cwd=folder, check=True)
        qemu = f"qemu-system-arm -M {machine} -display none -monitor none -serial none"
        semihosting = "-semihosting-config enable=on,target=native -icount shift=0 -kernel"
        done = subprocess.run(
            [*qemu.split(), *semihosting.split(), binary],
            capture_output=True,
            text=True,
            timeout=600,
        )
        sizes, symbols = (
            subprocess.run([tool, binary], check=True, capture_output=True, text=True).stdout
            for tool in ("arm-none-eabi-size", "arm-none-eabi-nm")
        )
    return done, Built(int(sizes.splitlines()[1].split()[0]), symbols)


def main() -> None:
    """Print a row per folder and optimisation."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    options = parser.parse_args()
    print(
        "| folder | core | | M instructions per s of sound | in the longest call | stack | flash |"
    )
    print("|---|---|---|---|---|---|---|")
    for folder in options.folders:
        for core, optimisation in ((FPU, "-O2"), (FPU, "-Os"), (NO_DSP, "-O2"), (NO_FPU, "-O2")):
            found = measure(folder, optimisation, core)
            print(
                f"| {folder} | {core} | {optimisation} | {found.second / 1e6:.2f} "
                f"| {found.longest / 1e6:.2f} | {found.stack} | {found.flash:,} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
