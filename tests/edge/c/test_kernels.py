"""The convolution in C, compared with sums that are written out, on each of the cores."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.edge_instructions import START, execute
from stethoscope.edge.c.cost import FPU, NO_DSP, NO_FPU
from tests.edge.c_tools import compile_c, require

_PROGRAM = """
#include "model.h"
#undef NETWORK_PATCH
#define NETWORK_PATCH 200
#include "network.c"
#include <stdio.h>

enum { MOST = 600, SHAPES = 300 };
static network_t network;
static int8_t input[MOST], expected[MOST], found[MOST + 1];
static int32_t bias[20], multiplier[20];
static int8_t shift[20];

static int draw(int least, int most) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return least + (int)((state >> 8) % (uint32_t)(most - least + 1));
}

static int8_t output_at(const layer_t *l, int y, int x, int channel) {
    int64_t total = l->bias[channel];
    const int8_t *weight = (const int8_t *)model_data + l->weights;
    weight += channel * l->kernel_h * l->kernel_w * l->in_c;
    for (int i = 0; i < l->kernel_h; i++) {
        for (int k = 0; k < l->kernel_w; k++) {
            for (int c = 0; c < l->in_c; c++) {
                const int row = y * l->stride_h - l->pad_h + i;
                const int column = x * l->stride_w - l->pad_w + k;
                const int inside = row >= 0 && row < l->in_h && column >= 0 && column < l->in_w;
                const int at = (row * l->in_w + column) * l->in_c + c;
                total += *weight++ * (inside ? input[at] : l->in_zero);
            }
        }
    }
    const int one = l->scales > 1 ? channel : 0, places = 31 - l->shift[one];
    total = (total * l->multiplier[one] + ((int64_t)1 << (places - 1))) >> places;
    total += l->out_zero;
    return (int8_t)(total < l->least ? l->least : total > 127 ? 127 : total);
}

static int right(const layer_t *layer) {
    const int count = layer->out_h * layer->out_w * layer->out_c;
    for (int i = 0; i < count; i++) {
        const int pixel = i / layer->out_c;
        expected[i] = output_at(layer, pixel / layer->out_w, pixel % layer->out_w,
                                i % layer->out_c);
    }
    found[count] = 99;
    run_layer(&network, layer, input, found);
    return memcmp(found, expected, (size_t)count) == 0 && found[count] == 99;
}

static void fill_values(void) {
    for (int i = 0; i < MOST; i++) {
        input[i] = (int8_t)draw(-128, 127);
    }
    for (int i = 0; i < 20; i++) {
        bias[i] = draw(-30000, 30000);
        multiplier[i] = draw(1 << 30, 2147483647 - 1);
        shift[i] = (int8_t)draw(-10, 0);
    }
}

int main(void) {
    int wrong = 0;
    for (int i = 0; i < SHAPES; i++) {
        fill_values();
        const int in_h = draw(1, 5), in_w = draw(1, 6), in_c = draw(1, 20);
        const int kernel_h = draw(1, 3), kernel_w = draw(1, 3);
        const int pad_h = draw(0, kernel_h - 1), pad_w = draw(0, kernel_w - 1);
        const int stride_h = draw(1, 2), stride_w = draw(1, 2), out_c = draw(1, 20);
        const int out_h = 1 + (in_h - 1) / stride_h, out_w = 1 + (in_w - 1) / stride_w;
        const layer_t layer = {
            LAYER_CONVOLUTION, in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w,
            stride_h, stride_w, pad_h, pad_w, draw(-128, 127), draw(-128, 127), draw(-128, 0),
            (uint32_t)draw(0, 3), draw(0, 1) ? out_c : 1, bias, multiplier, shift, 0};
        const int weights = kernel_h * kernel_w * in_c * out_c;
        if (weights + 3 > (int)model_size || out_h * out_w * out_c > MOST) {
            continue;
        }
        wrong += !right(&layer);
    }
    printf("%d\\n", wrong);
    return wrong != 0;
}
"""
_SOURCES = ("src/model.c",)


def test_convolution_equals_sums_that_are_written_out(c_folder: Path, tmp_path: Path) -> None:
    """Of 300 shapes, with padding and without; the sanitizers find nothing."""
    require("gcc")
    (tmp_path / "main.c").write_text(_PROGRAM)
    flags = ("-Wconversion", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    program = compile_c(
        c_folder, tmp_path / "main", str(tmp_path / "main.c"), *_SOURCES, flags=flags
    )
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("core", [FPU, NO_DSP, NO_FPU])
def test_convolution_equals_sums_that_are_written_out_on_a_microcontroller(
    c_folder: Path, core: str
) -> None:
    """The first has instructions for two products at once, the others run the plain C."""
    require("arm-none-eabi-gcc")
    require("qemu-system-arm")
    done, _ = execute(c_folder, START + _PROGRAM, core, _SOURCES, "-O2")
    assert done.returncode == 0, done.stdout + done.stderr
