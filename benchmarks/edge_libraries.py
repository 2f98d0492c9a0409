"""Instructions of exported C with its own convolution, and with that of CMSIS-NN or of ESP-NN.

    python benchmarks/edge_libraries.py DIR [more folders] --cmsis-nn CMSIS-NN --esp-nn ESP-NN

CMSIS-NN and ESP-NN are folders with the sources of these libraries. Of ESP-NN the version for chips
without vector instructions is taken; that for the ESP32-S3 needs its assembler. Every convolution
and dense layer is replaced by a call of the library, and the self-test says by how many steps the
network's output then differs. Needs what `edge_instructions.py` needs.
"""

import argparse
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_instructions import HARNESS, PROGRAM, START, execute, measure, sources_of

from stethoscope.edge.c.cost import FPU, NO_DSP

_PREPARE = """
static int32_t library_bias[LAYER_COUNT][1024], library_shift[LAYER_COUNT][1024];
static int32_t library_multiplier[LAYER_COUNT][1024];

/* Tables as the libraries want them: numbers of 32 bits for every channel, and the zero point not
 * in the bias. */
static void prepare_library(void) {
    for (int i = 0; i < LAYER_COUNT; i++) {
        const layer_t *l = &LAYERS[i];
        const int8_t *weight = (const int8_t *)model_data + l->weights;
        for (int c = 0; l->kind == LAYER_CONVOLUTION && c < l->out_c; c++) {
            int32_t sum = 0;
            for (int k = 0; k < weights_per_channel(l); k++) {
                sum += *weight++;
            }
            library_bias[i][c] = l->bias[c] + l->in_zero * sum;
            library_shift[i][c] = l->shift[l->scales > 1 ? c : 0];
            library_multiplier[i][c] = l->multiplier[l->scales > 1 ? c : 0];
        }
    }
}

static void call_library(const layer_t *l, const int8_t *input, int8_t *output) {
    const int8_t *weights = (const int8_t *)model_data + l->weights;
    const int i = (int)(l - LAYERS);
    int32_t *const bias = library_bias[i], *const shift = library_shift[i];
    int32_t *const multiplier = library_multiplier[i];
"""
_CMSIS_NN = """
    static int16_t scratch[16384];
    const cmsis_nn_context context = {scratch, sizeof scratch};
    const cmsis_nn_dims in = {1, l->in_h, l->in_w, l->in_c};
    const cmsis_nn_dims out = {1, l->out_h, l->out_w, l->out_c};
    const cmsis_nn_dims kernel = {l->out_c, l->kernel_h, l->kernel_w, l->in_c};
    const cmsis_nn_dims biases = {1, 1, 1, l->out_c};
    if (l->in_h * l->in_w * l->kernel_h * l->kernel_w == 1 && l->scales == 1) {
        const cmsis_nn_fc_params dense = {-l->in_zero, 0, l->out_zero, {l->least, 127}};
        const cmsis_nn_per_tensor_quant_params scale_of_all = {multiplier[0], shift[0]};
        const cmsis_nn_dims matrix = {l->in_c, 1, 1, l->out_c};
        arm_fully_connected_s8(&context, &dense, &scale_of_all, &in, input, &matrix, weights,
                               &biases, bias, &out, output);
        return;
    }
    const cmsis_nn_conv_params convolution = {-l->in_zero, l->out_zero, {l->stride_w, l->stride_h},
        {l->pad_w, l->pad_h}, {1, 1}, {l->least, 127}};
    const cmsis_nn_per_channel_quant_params scales = {multiplier, shift};
    arm_convolve_wrapper_s8(&context, &convolution, &scales, &in, input, &kernel, weights, &biases,
                            bias, &out, output);
}
"""
_ESP_NN = """
    const data_dims_t in = {l->in_w, l->in_h, l->in_c, 1}, out = {l->out_w, l->out_h, l->out_c, 1};
    const data_dims_t kernel = {l->kernel_w, l->kernel_h, l->in_c, 1};
    const conv_params_t convolution = {-l->in_zero, l->out_zero, {l->stride_w, l->stride_h},
        {l->pad_w, l->pad_h}, {1, 1}, {l->least, 127}};
    const quant_data_t scales = {shift, multiplier};
    esp_nn_conv_s8_opt(&in, input, &kernel, weights, bias, &out, output, &convolution, &scales);
}
"""
_STEPS = re.compile(r"network within (\d+) step")


@dataclass(frozen=True)
class Library:
    """A library of kernels.

    Attributes
    ----------
    header, call : str
        Its header, and the C that calls it.
    sources, includes : tuple of str
        Patterns of its files, and the folders of its headers.
    flags : tuple of str
        By which it rounds once, as LiteRT's reference kernels do.
    """

    header: str
    call: str
    sources: tuple[str, ...]
    includes: tuple[str, ...]
    flags: tuple[str, ...] = ()


CMSIS_NN = Library(
    "arm_nnfunctions.h",
    _CMSIS_NN,
    tuple(
        f"Source/{group}Functions/arm_*s8*.c"
        for group in ("Convolution", "FullyConnected", "NNSupport")
    ),
    ("Include",),
    ("-DCMSIS_NN_USE_SINGLE_ROUNDING",),
)
ESP_NN = Library(
    "esp_nn_generic_opt.h",
    _ESP_NN,
    ("src/convolution/esp_nn_conv_ansi.c", "src/convolution/esp_nn_conv_opt.c"),
    ("include", "src/common"),
)


@contextmanager
def with_library(folder: Path, library: Library) -> Iterator[Path]:
    """Yield a copy of exported C whose convolutions call a library."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "c"
        shutil.copytree(folder, copy)
        network = copy / "src/network.c"
        text = network.read_text(encoding="utf-8")
        added = f'#include "{library.header}"\n{_PREPARE}{library.call}\nstatic void run_layer('
        for old, new in (
            ("static void run_layer(", added),
            ("convolve(network, layer, input, output);", "call_library(layer, input, output);"),
            ("    const uint16_t one = 1;", "    const uint16_t one = 1;\n    prepare_library();"),
        ):
            if text.count(old) != 1:
                raise SystemExit(f"{network}: holds {old!r} {text.count(old)} times, not once")
            text = text.replace(old, new)
        network.write_text(text, encoding="utf-8")
        yield copy


def row(folder: Path, library: Library, root: Path, core: str) -> str:
    """Return the instructions with a library, and the steps by which the answers differ."""
    files = sorted(str(one) for pattern in library.sources for one in root.glob(pattern))
    flags = [f"-I{root / one}" for one in library.includes] + ["-w"]
    with with_library(folder, library) as copy:
        sources = [*sources_of(copy), *files]
        cells = []
        for optimisation in ("-O2", "-Os"):
            done, _ = execute(copy, HARNESS + PROGRAM, core, sources, optimisation, *flags)
            done.check_returncode()
            cells.append(f"{int((done.stdout + done.stderr).split()[0]) / 1e6:.2f}")
        tested = [*sources, "test/selftest.c", "test/golden.c", "-u", "_printf_float", *flags]
        for rounding in ((), library.flags) if library.flags else ((),):
            done, _ = execute(copy, START, core, tested, "-O1", *rounding)
            found = _STEPS.search(done.stdout + done.stderr)
            cells.append(found[1] if found else "fails")
    return " | ".join(cells)


def own(folder: Path, core: str) -> str:
    """Return the instructions with the own convolution."""
    return " | ".join(
        f"{measure(folder, optimisation, core).second / 1e6:.2f}" for optimisation in ("-O2", "-Os")
    )


def main() -> None:
    """Print a row per folder and convolution."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--cmsis-nn", type=Path)
    parser.add_argument("--esp-nn", type=Path)
    options = parser.parse_args()
    print("| folder | core | convolution | -O2 | -Os | steps | steps, rounded once |")
    print("|---|---|---|---|---|---|---|")
    for folder in options.folders:
        for core in (FPU, NO_DSP):
            print(f"| {folder} | {core} | own | {own(folder, core)} | 0 | |", flush=True)
        if options.cmsis_nn:
            cells = row(folder, CMSIS_NN, options.cmsis_nn.resolve(), FPU)
            print(f"| {folder} | {FPU} | CMSIS-NN | {cells} |", flush=True)
        if options.esp_nn:
            cells = row(folder, ESP_NN, options.esp_nn.resolve(), NO_DSP)
            print(f"| {folder} | {NO_DSP} | ESP-NN | {cells} | |", flush=True)


if __name__ == "__main__":
    main()
