"""Instructions that exported C takes on a Cortex-M4F, counted by QEMU, and the stack that it needs.

    python benchmarks/edge_instructions.py FOLDER [more folders]

Needs arm-none-eabi-gcc with newlib and qemu-system-arm (Debian: gcc-arm-none-eabi,
libnewlib-arm-none-eabi, qemu-system-arm). The sound is noise, as long as a block or a clip, or
10 s. A Cortex-M4 takes 1.2 to 1.5 cycles per instruction.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

_FLAGS = (
    "-std=gnu99 -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -ffunction-sections "
    "-fdata-sections -Isrc --specs=nano.specs --specs=nosys.specs -nostartfiles -Wl,--gc-sections"
)
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
_PROGRAM = """
#include <math.h>
#include <string.h>
#include "detector.h"

/* With -icount shift=0 an instruction takes 1 ns, and SysTick counts at 25 MHz. */
enum { INSTRUCTIONS_PER_TICK = 40, STACK_WORDS = 16384 };
#define REGISTER(address) (*(volatile uint32_t *)(address))
#if defined(BLOCK_SAMPLES)
enum { SAMPLES = BLOCK_SAMPLES };
#elif defined(CLIP_SAMPLES)
enum { SAMPLES = CLIP_SAMPLES };
static int16_t clip[SAMPLES];
#else
enum { SAMPLES = 10 * SAMPLE_RATE };
#endif

extern uint32_t data_from[], data_to[], data_end[]; /* QEMU clears the rest */
static uint32_t stack[STACK_WORDS];
static detector_t detector;
static uint32_t state = 1;

int main(void);
void start(void) {
    memcpy(data_to, data_from, (size_t)((char *)data_end - (char *)data_to));
    REGISTER(0xE000ED88u) |= 0xFu << 20; /* the floating-point unit */
    __asm__ volatile("dsb\\nisb");
    main();
    for (;;) {
    }
}
__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    &stack[STACK_WORDS], (const void *)start};

static void semihost(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

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

static uint32_t elapsed(uint32_t since) { return (since - REGISTER(0xE000E018u)) & 0xFFFFFFu; }

static void make(int16_t *pcm, int count) {
    for (int i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        pcm[i] = (int16_t)((int32_t)state >> 18);
    }
}

/* Feed everything; the time of making the sound is not counted. */
static void run(uint32_t *total, uint32_t *longest) {
#ifdef CLIP_SAMPLES
    static float probabilities[OUTPUT_SIZE];
    make(clip, SAMPLES);
    detector_init(&detector);
    const uint32_t began = REGISTER(0xE000E018u);
    detector_classify(&detector, clip, SAMPLES, probabilities);
    *total = *longest = elapsed(began);
#else
    static int16_t pcm[100];
#ifdef BLOCK_SAMPLES
    detector_init(&detector, 0, 0);
#else
    detector_init(&detector, 0, 0, 0);
#endif
    for (int done = 0; done < SAMPLES; done += 100) {
        make(pcm, 100);
        const uint32_t began = REGISTER(0xE000E018u);
        detector_feed(&detector, pcm, 100);
        const uint32_t ticks = elapsed(began);
        *total += ticks;
        *longest = ticks > *longest ? ticks : *longest;
    }
#endif
}

int main(void) {
    uint32_t total = 0, longest = 0;
    int used = 0;
    REGISTER(0xE000E014u) = 0xFFFFFFu;
    REGISTER(0xE000E018u) = 0;
    REGISTER(0xE000E010u) = 5; /* count at the speed of the core */
    for (int i = 0; i < STACK_WORDS - 64; i++) {
        stack[i] = 0xA5A5A5A5u;
    }
    run(&total, &longest);
    while (stack[used] == 0xA5A5A5A5u) {
        used++;
    }
    print((uint32_t)((uint64_t)total * INSTRUCTIONS_PER_TICK * SAMPLE_RATE / SAMPLES));
    print(longest * INSTRUCTIONS_PER_TICK);
    print((uint32_t)(4 * (STACK_WORDS - used)));
    const uint32_t exit[2] = {0x20026u, 0};
    semihost(0x20, exit);
    return 0;
}
"""


def measure(folder: Path, optimisation: str) -> tuple[int, int, int, int]:
    """Return instructions per second of sound and in the longest call, stack and code in bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        program, script, binary = (Path(scratch) / name for name in ("main.c", "x.ld", "x.elf"))
        program.write_text(_PROGRAM)
        script.write_text(_SCRIPT)
        sources = sorted(f"src/{one.name}" for one in (folder / "src").glob("*.c"))
        command = ["arm-none-eabi-gcc", *_FLAGS.split(), optimisation, f"-T{script}"]
        subprocess.run([*command, program, *sources, "-o", binary, "-lm"], cwd=folder, check=True)
        qemu = "qemu-system-arm -M mps2-an386 -display none -monitor none -serial none"
        options = "-semihosting-config enable=on,target=native -icount shift=0 -kernel"
        done = subprocess.run(
            [*qemu.split(), *options.split(), binary],
            check=True,
            capture_output=True,
            text=True,
            timeout=600,
        )
        numbers = [int(line) for line in (done.stdout + done.stderr).split()]
        sizes = subprocess.run(
            ["arm-none-eabi-size", binary], check=True, capture_output=True, text=True
        )
    return numbers[0], numbers[1], numbers[2], int(sizes.stdout.splitlines()[1].split()[0])


def main() -> None:
    """Print a row per folder and optimisation."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    options = parser.parse_args()
    print("| folder | | M instructions per s of sound | M in the longest call | stack | flash |")
    print("|---|---|---|---|---|---|")
    for folder in options.folders:
        for optimisation in ("-O2", "-Os"):
            second, longest, stack, flash = measure(folder, optimisation)
            print(
                f"| {folder} | {optimisation} | {second / 1e6:.2f} | {longest / 1e6:.2f} "
                f"| {stack} | {flash:,} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
