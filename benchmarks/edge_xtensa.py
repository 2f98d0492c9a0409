"""Instructions of exported networks on an Xtensa core, counted by QEMU.

    python benchmarks/edge_xtensa.py FOLDER [more folders] [--tools /usr/bin]

Debian has a compiler for one Xtensa core, the lx106 of an ESP8266 (gcc-xtensa-lx106), and QEMU for
it (qemu-system-misc). An ESP32 has the same instruction set and more of it: loops, sign extension,
a product of 64 bits and a floating-point unit. Its compiler is not in Debian. What is counted here
is therefore an upper bound for an ESP32, and holds for the network alone: in the front end the
lx106 emulates floating point. The ratio is to a Cortex-M4F without DSP instructions, counted too;
it needs what `edge_instructions.py` needs. libgcc has no product of 64 bits for the lx106; the one
here is counted with the rest.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from edge_instructions import HARNESS, emulate

from stethoscope.edge.c.cost import NO_DSP

_RUNS = 10
_INPUT = """
static network_t network;
static int8_t input[INPUT_SIZE], output[OUTPUT_SIZE];
static void fill(void) {
    uint32_t noise = 1;
    for (int i = 0; i < INPUT_SIZE; i++) {
        noise = noise * 1664525u + 1013904223u;
        input[i] = (int8_t)(noise >> 24);
    }
}
"""
_CORTEX = (
    HARNESS
    + '#include "network.h"\n'
    + _INPUT
    + f"""
int main(void) {{
    fill();
    begin_timer();
    const uint32_t began = now();
    for (int i = 0; i < {_RUNS}; i++) {{ network_run(&network, input, output); }}
    print((now() - began) * INSTRUCTIONS_PER_TICK / {_RUNS});
    return 0;
}}
"""
)
_XTENSA = (
    """
#include <stddef.h>
#include <stdint.h>

#include "network.h"

/* With -icount shift=0 an instruction takes 1 ns, and the counter runs at 40 MHz. */
enum { INSTRUCTIONS_PER_TICK = 25 };

/* At reset the core begins in ROM. */
__asm__(".section .reset, \\"ax\\"\\n j begin\\n.align 4\\n.literal_position\\n"
        "begin: movi a1, stack_end\\n movi a2, run\\n jx a2\\n.text");

static uint32_t now(void) {
    uint32_t value;
    __asm__ volatile("rsr.ccount %0" : "=r"(value)::"memory");
    return value;
}

static void simulator(int operation, int a, int b, int c) {
    register int a2 __asm__("a2") = operation, a3 __asm__("a3") = a;
    register int a4 __asm__("a4") = b, a5 __asm__("a5") = c;
    __asm__ volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
}

uint32_t __udivsi3(uint32_t value, uint32_t by) {
    uint32_t quotient = 0, rest = 0;
    for (int bit = 31; bit >= 0; bit--) {
        rest = rest << 1 | (value >> bit & 1u);
        if (rest >= by) {
            rest -= by;
            quotient |= 1u << bit;
        }
    }
    return quotient;
}
uint32_t __umodsi3(uint32_t value, uint32_t by) { return value - __udivsi3(value, by) * by; }
int __divsi3(int value, int by) {
    const uint32_t size = __udivsi3((uint32_t)(value < 0 ? -value : value),
                                    (uint32_t)(by < 0 ? -by : by));
    return (value < 0) != (by < 0) ? -(int)size : (int)size;
}

typedef union {
    long long value;
    uint32_t half[2];
} wide_t;
long long __muldi3(long long one, long long other) {
    wide_t a, b, product;
    a.value = one;
    b.value = other;
    const uint32_t a_low = a.half[0] & 0xFFFFu, a_high = a.half[0] >> 16;
    const uint32_t b_low = b.half[0] & 0xFFFFu, b_high = b.half[0] >> 16;
    const uint32_t low = a_low * b_low, middle = a_high * b_low + (low >> 16);
    const uint32_t other_middle = a_low * b_high + (middle & 0xFFFFu);
    product.half[0] = other_middle << 16 | (low & 0xFFFFu);
    product.half[1] = a_high * b_high + (middle >> 16) + (other_middle >> 16) +
                      a.half[0] * b.half[1] + a.half[1] * b.half[0];
    return product.value;
}

void *memcpy(void *to, const void *from, size_t count) {
    uint32_t *words = to;
    const uint32_t *read = from;
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0) {
        for (; count >= 4; count -= 4) { *words++ = *read++; }
    }
    char *bytes = (char *)words;
    for (const char *next = (const char *)read; count; count--) { *bytes++ = *next++; }
    return to;
}
void *memset(void *to, int value, size_t count) {
    for (char *bytes = to; count; count--) { *bytes++ = (char)value; }
    return to;
}

/* network_quantise, which is not run, is linked. */
long lrintf(float value) { (void)value; return 0; }
float __addsf3(float one, float other) { (void)other; return one; }
float __subsf3(float one, float other) { (void)other; return one; }
float __mulsf3(float one, float other) { (void)other; return one; }
float __divsf3(float one, float other) { (void)other; return one; }
float __floatsisf(int value) { (void)value; return 0; }
int __ltsf2(float one, float other) { (void)one; (void)other; return 0; }
int __gtsf2(float one, float other) { (void)one; (void)other; return 0; }
"""
    + _INPUT
    + f"""
void run(void) {{
    char text[12];
    int at = 12;
    fill();
    const uint32_t began = now();
    for (int i = 0; i < {_RUNS}; i++) {{ network_run(&network, input, output); }}
    for (uint32_t left = (now() - began) * INSTRUCTIONS_PER_TICK / {_RUNS}; left; left /= 10) {{
        text[--at] = (char)('0' + left % 10);
    }}
    simulator(4, 1, (int)(text + at), 12 - at); /* write */
    simulator(1, 0, 0, 0);                      /* exit */
}}
"""
)
_SCRIPT = """
MEMORY {
    ROM (rx) : ORIGIN = 0x50000000, LENGTH = 1M
    RAM (rwx) : ORIGIN = 0x60000000, LENGTH = 64M
}
stack_end = 0x63FFFFF0;
SECTIONS {
    .reset : { *(.reset .reset.literal) } > ROM
    .text : { *(.literal .literal.*) *(.text .text.*) *(.rodata*) } > RAM
    .data : { *(.data*) } > RAM
    .bss : { *(.bss*) *(COMMON) } > RAM
}
"""
_FLAGS = (
    "-O2 -std=gnu99 -ffreestanding -fno-tree-loop-distribute-patterns -nostdlib -mlongcalls "
    "-mtext-section-literals -isystem /usr/include/newlib -Isrc -Wl,--no-warn-rwx-segments"
)


def instructions(folder: Path, tools: Path) -> int:
    """Return the instructions of a run of the network on the lx106."""
    with tempfile.TemporaryDirectory() as scratch:
        program, script, binary = (Path(scratch) / name for name in ("main.c", "x.ld", "x.elf"))
        program.write_text(_XTENSA)
        script.write_text(_SCRIPT)
        compiler = f"{tools / 'xtensa-lx106-elf-gcc'} {_FLAGS} -T{script} -o {binary} {program}"
        sources = ("src/network.c", "src/model.c")
        subprocess.run([*compiler.split(), *sources], cwd=folder, check=True)
        machine = "-M sim -cpu lx106 -display none -monitor none -serial none -semihosting"
        command = f"{tools / 'qemu-system-xtensa'} {machine} -icount shift=0 -kernel {binary}"
        done = subprocess.run(
            command.split(), check=True, capture_output=True, text=True, timeout=600
        )
    return int(done.stdout)


def main() -> None:
    """Print a row per folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--tools", type=Path, default=Path("/usr/bin"), help="folder of programs")
    options = parser.parse_args()
    print(f"| folder | network on an lx106, instructions | {NO_DSP} | ratio |")
    print("|---|---|---|---|")
    for folder in options.folders:
        xtensa = instructions(folder, options.tools.resolve())
        (cortex,), _ = emulate(folder, _CORTEX, NO_DSP, "-O2")
        print(f"| {folder} | {xtensa:,} | {cortex:,} | {xtensa / cortex:.2f} |", flush=True)


if __name__ == "__main__":
    main()
