/* Integer layers, rounded as LiteRT's reference kernels round them. Weights are read from the TFLite file in model.c. */
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

static void convolve(const layer_t *layer, const int8_t *input, int8_t *output) {
    const int8_t *weights = (const int8_t *)model_data + layer->weights;
    const int size = layer->kernel_h * layer->kernel_w * layer->in_c;
    for (int y = 0; y < layer->out_h; y++) {
        for (int x = 0; x < layer->out_w; x++) {
            const int top = y * layer->stride_h - layer->pad_h, left = x * layer->stride_w - layer->pad_w;
            for (int channel = 0; channel < layer->out_c; channel++) {
                const int8_t *kernel = weights + channel * size;
                int32_t total = bias_of(layer, channel);
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
                int at = layer->scales > 1 ? channel : 0;
                total = multiply(total, layer->multiplier[at], layer->shift[at]) + layer->out_zero;
                total = total < layer->least ? layer->least : total;
                *output++ = (int8_t)(total > 127 ? 127 : total);
            }
        }
    }
}

static void pool(const layer_t *layer, const int8_t *input, int8_t *output) {
    for (int y = 0; y < layer->out_h; y++) {
        for (int x = 0; x < layer->out_w; x++) {
            for (int channel = 0; channel < layer->out_c; channel++) {
                int8_t best = (int8_t)layer->least;
                for (int i = 0; i < layer->kernel_h; i++) {
                    for (int j = 0; j < layer->kernel_w; j++) {
                        int row = y * layer->stride_h - layer->pad_h + i, column = x * layer->stride_w - layer->pad_w + j;
                        if (row >= 0 && row < layer->in_h && column >= 0 && column < layer->in_w) {
                            int8_t value = input[(row * layer->in_w + column) * layer->in_c + channel];
                            best = value > best ? value : best;
                        }
                    }
                }
                *output++ = best;
            }
        }
    }
}

static void average(const layer_t *layer, const int8_t *input, int8_t *output) {
    for (int y = 0; y < layer->out_h; y++) {
        for (int x = 0; x < layer->out_w; x++) {
            for (int channel = 0; channel < layer->out_c; channel++) {
                int32_t total = 0, count = 0;
                for (int i = 0; i < layer->kernel_h; i++) {
                    for (int j = 0; j < layer->kernel_w; j++) {
                        int row = y * layer->stride_h - layer->pad_h + i, column = x * layer->stride_w - layer->pad_w + j;
                        if (row >= 0 && row < layer->in_h && column >= 0 && column < layer->in_w) {
                            total += input[(row * layer->in_w + column) * layer->in_c + channel];
                            count++;
                        }
                    }
                }
                total = (total > 0 ? total + count / 2 : total - count / 2) / count;
                *output++ = (int8_t)(total < layer->least ? layer->least : total);
            }
        }
    }
}

int network_init(void) {
    const uint16_t one = 1;
    return *(const uint8_t *)&one == 1 ? 0 : 1; /* the weights are little-endian */
}

int network_run(const int8_t input[INPUT_SIZE], int8_t output[OUTPUT_SIZE]) {
    const int8_t *from = input;
    for (int i = 0; i < LAYER_COUNT; i++) {
        const layer_t *layer = &LAYERS[i];
        int8_t *to = i == LAYER_COUNT - 1 ? output : buffers[i & 1];
        if (layer->kind == LAYER_CONVOLUTION) {
            convolve(layer, from, to);
        } else if (layer->kind == LAYER_MAX_POOL) {
            pool(layer, from, to);
        } else if (layer->kind == LAYER_AVERAGE_POOL) {
            average(layer, from, to);
        } else {
            for (int j = 0; j < layer->out_h * layer->out_w * layer->out_c; j++) {
                to[j] = layer->lookup[from[j] + 128];
            }
        }
        from = to;
    }
    return 0;
}
