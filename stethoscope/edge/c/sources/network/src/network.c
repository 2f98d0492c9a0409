/* Integer layers, rounded as LiteRT's reference kernels round them. The weights are read from the
 * TFLite file in model.c. */
#include "network.h"

#ifndef NETWORK_TFLM
#include <string.h>

enum { LANES = 4 }; /* channels that are computed at once */

/* Multiply by a number with 31 bits after the point and a power of two, and round once. */
static int32_t multiply(int32_t value, int32_t multiplier, int shift) {
    const int places = 31 - shift;
    return (int32_t)(((int64_t)value * multiplier + ((int64_t)1 << (places - 1))) >> places);
}

/* Add the products of values with the weights of LANES channels, `apart` weights from channel to
 * channel. One loaded value serves all of them. */
static void add_products(const int8_t *values, int count, const int8_t *weights, int apart,
                         int32_t totals[LANES]) {
    int32_t total0 = totals[0], total1 = totals[1], total2 = totals[2], total3 = totals[3];
    const int8_t *weights1 = weights + apart, *weights2 = weights1 + apart;
    const int8_t *weights3 = weights2 + apart;
    for (int i = 0; i < count; i++) {
        const int32_t value = values[i];
        total0 += value * weights[i];
        total1 += value * weights1[i];
        total2 += value * weights2[i];
        total3 += value * weights3[i];
    }
    totals[0] = total0;
    totals[1] = total1;
    totals[2] = total2;
    totals[3] = total3;
}

static int32_t sum_of_products(const int8_t *values, int count, const int8_t *weights) {
    int32_t total = 0;
    for (int i = 0; i < count; i++) {
        total += (int32_t)values[i] * weights[i];
    }
    return total;
}

/* Add the products of a run of pixels to the sums of some channels. Without pixels, that is outside
 * the input, their value is zero. */
static void add_run(const layer_t *layer, const int8_t *pixels, int count, const int8_t *weights,
                    int channels, int32_t totals[LANES]) {
    const int apart = layer->kernel_h * layer->kernel_w * layer->in_c;
    if (pixels && channels == LANES) {
        add_products(pixels, count, weights, apart, totals);
        return;
    }
    for (int channel = 0; channel < channels; channel++, weights += apart) {
        if (pixels) {
            totals[channel] += sum_of_products(pixels, count, weights);
            continue;
        }
        for (int i = 0; i < count; i++) {
            totals[channel] += layer->in_zero * weights[i];
        }
    }
}

/* Add input times kernel to the sums of some channels; top, left: where the kernel lies, perhaps
 * outside. The pixels of a row of the kernel follow each other, in the input as in the kernel. */
static void correlate(const layer_t *layer, const int8_t *input, const int8_t *kernel, int top,
                      int left, int channels, int32_t totals[LANES]) {
    const int in_c = layer->in_c, length = layer->kernel_w * in_c;
    const int over = left + layer->kernel_w - layer->in_w;
    const int before = left < 0 ? -left * in_c : 0, behind = over > 0 ? over * in_c : 0;
    for (int row = top; row < top + layer->kernel_h; row++, kernel += length) {
        if (row < 0 || row >= layer->in_h) {
            add_run(layer, NULL, length, kernel, channels, totals);
            continue;
        }
        const int8_t *pixels = input + (row * layer->in_w + left) * in_c + before;
        if (before) {
            add_run(layer, NULL, before, kernel, channels, totals);
        }
        add_run(layer, pixels, length - before - behind, kernel + before, channels,
                totals);
        if (behind) {
            add_run(layer, NULL, behind, kernel + length - behind, channels, totals);
        }
    }
}

static int8_t scale(const layer_t *layer, int32_t total, int channel) {
    const int at = layer->scales > 1 ? channel : 0;
    total = multiply(total, layer->multiplier[at], layer->shift[at]) + layer->out_zero;
    total = total < layer->least ? layer->least : total;
    return (int8_t)(total > 127 ? 127 : total);
}

/* Compute all channels of a pixel. */
static void convolve(const layer_t *layer, const int8_t *input, int top, int left,
                     int8_t *output) {
    const int size = layer->kernel_h * layer->kernel_w * layer->in_c;
    const int8_t *kernel = (const int8_t *)model_data + layer->weights;
    for (int channel = 0; channel < layer->out_c; channel += LANES, kernel += LANES * size) {
        const int rest = layer->out_c - channel, channels = rest < LANES ? rest : LANES;
        int32_t totals[LANES] = {0};
        memcpy(totals, layer->bias + channel, (size_t)channels * sizeof totals[0]);
        correlate(layer, input, kernel, top, left, channels, totals);
        for (int i = 0; i < channels; i++) {
            *output++ = scale(layer, totals[i], channel + i);
        }
    }
}

/* Return the largest or the mean value of a channel under the kernel, which lies from row `top` to
 * before row `bottom`. */
static int8_t pool_channel(const layer_t *layer, const int8_t *input, int top, int bottom, int left,
                           int right) {
    int32_t largest = layer->least, total = 0;
    for (int row = top; row < bottom; row++) {
        const int8_t *value = input + (row * layer->in_w + left) * layer->in_c;
        for (int column = left; column < right; column++, value += layer->in_c) {
            largest = *value > largest ? *value : largest;
            total += *value;
        }
    }
    if (layer->kind == LAYER_MAX_POOL) {
        return (int8_t)largest;
    }
    const int32_t count = (bottom - top) * (right - left);
    total = (total > 0 ? total + count / 2 : total - count / 2) / count;
    return (int8_t)(total < layer->least ? layer->least : total);
}

/* Pool all channels of a pixel; only what lies inside the input counts. */
static void pool(const layer_t *layer, const int8_t *input, int top, int left, int8_t *output) {
    const int bottom = top + layer->kernel_h < layer->in_h ? top + layer->kernel_h : layer->in_h;
    const int right = left + layer->kernel_w < layer->in_w ? left + layer->kernel_w : layer->in_w;
    top = top < 0 ? 0 : top;
    left = left < 0 ? 0 : left;
    for (int channel = 0; channel < layer->out_c; channel++) {
        output[channel] = pool_channel(layer, input + channel, top, bottom, left, right);
    }
}

/* Run a layer whose kernel slides over the input. */
static void slide(const layer_t *layer, const int8_t *input, int8_t *output) {
    for (int y = 0; y < layer->out_h; y++) {
        for (int x = 0; x < layer->out_w; x++) {
            const int top = y * layer->stride_h - layer->pad_h;
            const int left = x * layer->stride_w - layer->pad_w;
            if (layer->kind == LAYER_CONVOLUTION) {
                convolve(layer, input, top, left, output);
            } else {
                pool(layer, input, top, left, output);
            }
            output += layer->out_c;
        }
    }
}

static void look_up(const layer_t *layer, const int8_t *input, int8_t *output) {
    for (int i = 0; i < layer->out_h * layer->out_w * layer->out_c; i++) {
        output[i] = layer->lookup[input[i] + 128];
    }
}

int network_init(network_t *network) {
    const uint16_t one = 1;
    return network && *(const uint8_t *)&one == 1 ? 0 : 1; /* the weights are little-endian */
}

int network_run(network_t *network, const int8_t input[INPUT_SIZE], int8_t output[OUTPUT_SIZE]) {
    const int8_t *from = input;
    for (int i = 0; i < LAYER_COUNT; i++) {
        int8_t *to = i == LAYER_COUNT - 1 ? output : network->buffers[i & 1];
        (LAYERS[i].kind == LAYER_LOOKUP ? look_up : slide)(&LAYERS[i], from, to);
        from = to;
    }
    return 0;
}
#endif
