/* Integer layers, rounded as LiteRT's reference kernels round them. The weights are read from the
 * TFLite file in model.c. */
#include "network.h"

#include <string.h>

static int8_t buffers[2][NETWORK_BUFFER];

/* Multiply by a number with 31 bits after the point and a power of two, and round once. */
static int32_t multiply(int32_t value, int32_t multiplier, int shift) {
    const int places = 31 - shift;
    return (int32_t)(((int64_t)value * multiplier + ((int64_t)1 << (places - 1))) >> places);
}

static int32_t bias_of(const layer_t *layer, int channel) {
    int32_t bias = 0;
    if (layer->bias) {
        memcpy(&bias, model_data + layer->bias + 4 * (uint32_t)channel, sizeof bias);
    }
    return bias;
}

/* Return the sum of input times kernel; top, left: where the kernel lies, perhaps outside. */
static int32_t correlate(const layer_t *layer, const int8_t *input, const int8_t *kernel, int top,
                         int left) {
    int32_t total = 0;
    for (int i = 0; i < layer->kernel_h; i++) {
        if (top + i < 0 || top + i >= layer->in_h) {
            continue;
        }
        for (int j = 0; j < layer->kernel_w; j++) {
            if (left + j < 0 || left + j >= layer->in_w) {
                continue;
            }
            const int8_t *pixel = input + ((top + i) * layer->in_w + left + j) * layer->in_c;
            const int8_t *weight = kernel + (i * layer->kernel_w + j) * layer->in_c;
            for (int c = 0; c < layer->in_c; c++) {
                total += (pixel[c] - layer->in_zero) * weight[c];
            }
        }
    }
    return total;
}

static int8_t convolve(const layer_t *layer, const int8_t *input, int top, int left, int channel) {
    const int size = layer->kernel_h * layer->kernel_w * layer->in_c;
    const int8_t *kernel = (const int8_t *)model_data + layer->weights + channel * size;
    const int at = layer->scales > 1 ? channel : 0;
    int32_t total = bias_of(layer, channel) + correlate(layer, input, kernel, top, left);
    total = multiply(total, layer->multiplier[at], layer->shift[at]) + layer->out_zero;
    total = total < layer->least ? layer->least : total;
    return (int8_t)(total > 127 ? 127 : total);
}

/* Return the largest or the mean value under the kernel. */
static int8_t pool(const layer_t *layer, const int8_t *input, int top, int left, int channel) {
    int32_t largest = layer->least, total = 0, count = 0;
    for (int row = top; row < top + layer->kernel_h; row++) {
        for (int column = left; column < left + layer->kernel_w; column++) {
            if (row >= 0 && row < layer->in_h && column >= 0 && column < layer->in_w) {
                int8_t value = input[(row * layer->in_w + column) * layer->in_c + channel];
                largest = value > largest ? value : largest;
                total += value;
                count++;
            }
        }
    }
    if (layer->kind == LAYER_MAX_POOL) {
        return (int8_t)largest;
    }
    total = (total > 0 ? total + count / 2 : total - count / 2) / count;
    return (int8_t)(total < layer->least ? layer->least : total);
}

/* Run a layer whose kernel slides over the input. */
static void slide(const layer_t *layer, const int8_t *input, int8_t *output) {
    for (int y = 0; y < layer->out_h; y++) {
        for (int x = 0; x < layer->out_w; x++) {
            const int top = y * layer->stride_h - layer->pad_h;
            const int left = x * layer->stride_w - layer->pad_w;
            for (int channel = 0; channel < layer->out_c; channel++) {
                *output++ = layer->kind == LAYER_CONVOLUTION
                                ? convolve(layer, input, top, left, channel)
                                : pool(layer, input, top, left, channel);
            }
        }
    }
}

static void look_up(const layer_t *layer, const int8_t *input, int8_t *output) {
    for (int i = 0; i < layer->out_h * layer->out_w * layer->out_c; i++) {
        output[i] = layer->lookup[input[i] + 128];
    }
}

int network_init(void) {
    const uint16_t one = 1;
    return *(const uint8_t *)&one == 1 ? 0 : 1; /* the weights are little-endian */
}

int network_run(const int8_t input[INPUT_SIZE], int8_t output[OUTPUT_SIZE]) {
    const int8_t *from = input;
    for (int i = 0; i < LAYER_COUNT; i++) {
        int8_t *to = i == LAYER_COUNT - 1 ? output : buffers[i & 1];
        (LAYERS[i].kind == LAYER_LOOKUP ? look_up : slide)(&LAYERS[i], from, to);
        from = to;
    }
    return 0;
}
