/* Integer layers, rounded as LiteRT's reference kernels round them. The weights are read from the
 * TFLite file in model.c. */
#include "network.h"

#ifndef NETWORK_TFLM
#include <string.h>

/* Instructions of an Arm core that take two products of 16-bit numbers at once (Cortex-M4, M7 and
 * M33 have them). Everything else runs the plain C. */
#if defined(__ARM_FEATURE_SIMD32) && defined(__ARM_FEATURE_UNALIGNED) && defined(__GNUC__) && \
    !defined(NETWORK_PORTABLE)
#define NETWORK_SIMD
#endif

/* Pixels that are computed together; a Cortex-M0+ has too few registers for two. */
#if defined(__thumb__) && !defined(__thumb2__)
enum { PIXELS = 1 };
#else
enum { PIXELS = 2 };
#endif

/* The compiler has the registers for the sums of these functions if they stay functions. */
#ifdef __GNUC__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE
#endif

enum { LANES = 4 }; /* sums that are computed at once */

#ifdef NETWORK_SIMD
/* Four values as two pairs of 16 bits: the first and the third, the second and the fourth. */
typedef struct {
    uint32_t even, odd;
} four_t;

static inline four_t load(const int8_t *values) {
    uint32_t bytes;
    four_t four;
    memcpy(&bytes, values, sizeof bytes);
    __asm__ volatile("sxtb16 %0, %1" : "=r"(four.even) : "r"(bytes));
    __asm__ volatile("sxtb16 %0, %1, ror #8" : "=r"(four.odd) : "r"(bytes));
    return four;
}

static inline int32_t add_four(int32_t total, four_t one, four_t other) {
    __asm__ volatile("smlad %0, %1, %2, %0" : "+r"(total) : "r"(one.even), "r"(other.even));
    __asm__ volatile("smlad %0, %1, %2, %0" : "+r"(total) : "r"(one.odd), "r"(other.odd));
    return total;
}
#endif

/* Multiply by a number with 31 bits after the point and a power of two, and round once. */
static int32_t multiply(int32_t value, int32_t multiplier, int shift) {
    const int places = 31 - shift;
    return (int32_t)(((int64_t)value * multiplier + ((int64_t)1 << (places - 1))) >> places);
}

/* Add the products of values with the weights of LANES channels, `count` weights each. One loaded
 * value serves all of them. */
static NOINLINE void add_lanes(const int8_t *values, int count, const int8_t *weights,
                               int32_t totals[LANES]) {
    int32_t total0 = totals[0], total1 = totals[1], total2 = totals[2], total3 = totals[3];
    const int8_t *weights1 = weights + count, *weights2 = weights1 + count;
    const int8_t *weights3 = weights2 + count;
    const int8_t *const end = values + count;
#ifdef NETWORK_SIMD
    for (const int8_t *const fours = values + count / 4 * 4; values < fours; values += 4) {
        const four_t value = load(values);
        total0 = add_four(total0, value, load(weights));
        total1 = add_four(total1, value, load(weights1));
        total2 = add_four(total2, value, load(weights2));
        total3 = add_four(total3, value, load(weights3));
        weights += 4, weights1 += 4, weights2 += 4, weights3 += 4;
    }
#endif
    while (values < end) {
        const int32_t value = *values++;
        total0 += value * *weights++;
        total1 += value * *weights1++;
        total2 += value * *weights2++;
        total3 += value * *weights3++;
    }
    totals[0] = total0;
    totals[1] = total1;
    totals[2] = total2;
    totals[3] = total3;
}

/* Add the products of the values of two pixels with the weights of two channels: of the first pixel
 * with both channels, then of the second one. */
static NOINLINE void add_pair(const int8_t *first, const int8_t *second, int count,
                              const int8_t *weights, int32_t totals[LANES]) {
    int32_t total0 = totals[0], total1 = totals[1], total2 = totals[2], total3 = totals[3];
    const int8_t *weights1 = weights + count;
    const int8_t *const end = first + count;
#ifdef NETWORK_SIMD
    for (const int8_t *const fours = first + count / 4 * 4; first < fours; first += 4) {
        const four_t weight0 = load(weights), weight1 = load(weights1), value0 = load(first);
        total0 = add_four(total0, value0, weight0);
        total1 = add_four(total1, value0, weight1);
        const four_t value1 = load(second);
        total2 = add_four(total2, value1, weight0);
        total3 = add_four(total3, value1, weight1);
        weights += 4, weights1 += 4, second += 4;
    }
#endif
    while (first < end) {
        const int32_t weight0 = *weights++, weight1 = *weights1++;
        const int32_t value0 = *first++, value1 = *second++;
        total0 += value0 * weight0;
        total1 += value0 * weight1;
        total2 += value1 * weight0;
        total3 += value1 * weight1;
    }
    totals[0] = total0;
    totals[1] = total1;
    totals[2] = total2;
    totals[3] = total3;
}

static int32_t sum_of_products(const int8_t *values, int count, const int8_t *weights) {
    int32_t total = 0;
    const int8_t *const end = values + count;
#ifdef NETWORK_SIMD
    for (const int8_t *const fours = values + count / 4 * 4; values < fours; values += 4) {
        total = add_four(total, load(values), load(weights));
        weights += 4;
    }
#endif
    while (values < end) {
        total += (int32_t)*values++ * *weights++;
    }
    return total;
}

static int8_t scale(const layer_t *layer, int32_t total, int channel) {
    const int at = layer->scales > 1 ? channel : 0;
    total = multiply(total, layer->multiplier[at], layer->shift[at]) + layer->out_zero;
    total = total < layer->least ? layer->least : total;
    return (int8_t)(total > 127 ? 127 : total);
}

static int weights_per_channel(const layer_t *layer) {
    return layer->kernel_h * layer->kernel_w * layer->in_c;
}

/* Compute the channels of a pixel from channel `channel` on. */
static void convolve_pixel(const layer_t *layer, const int8_t *values, int channel,
                           int8_t *output) {
    const int count = weights_per_channel(layer);
    const int8_t *weights = (const int8_t *)model_data + layer->weights + channel * count;
    for (; channel < layer->out_c - 3; channel += LANES, weights += LANES * count) {
        int32_t totals[LANES];
        memcpy(totals, layer->bias + channel, sizeof totals);
        add_lanes(values, count, weights, totals);
        for (int i = 0; i < LANES; i++) {
            output[channel + i] = scale(layer, totals[i], channel + i);
        }
    }
    for (; channel < layer->out_c; channel++, weights += count) {
        const int32_t total = layer->bias[channel] + sum_of_products(values, count, weights);
        output[channel] = scale(layer, total, channel);
    }
}

/* Compute all channels of two pixels that follow each other in the output. */
static void convolve_pair(const layer_t *layer, const int8_t *first, const int8_t *second,
                          int8_t *output) {
    const int count = weights_per_channel(layer), out_c = layer->out_c;
    const int8_t *weights = (const int8_t *)model_data + layer->weights;
    int channel = 0;
    for (; channel < out_c - 1; channel += 2, weights += 2 * count) {
        const int32_t bias0 = layer->bias[channel], bias1 = layer->bias[channel + 1];
        int32_t totals[LANES] = {bias0, bias1, bias0, bias1};
        add_pair(first, second, count, weights, totals);
        output[channel] = scale(layer, totals[0], channel);
        output[channel + 1] = scale(layer, totals[1], channel + 1);
        output[channel + out_c] = scale(layer, totals[2], channel);
        output[channel + out_c + 1] = scale(layer, totals[3], channel + 1);
    }
    convolve_pixel(layer, first, channel, output);
    convolve_pixel(layer, second, channel, output + out_c);
}

static int8_t *copy(int8_t *to, const int8_t *from, int count) {
#ifdef NETWORK_SIMD /* faster than a call for these few values */
    for (; count > 3; count -= 4, to += 4, from += 4) {
        memcpy(to, from, 4);
    }
#endif
    memcpy(to, from, (size_t)count);
    return to + count;
}

static int8_t *fill(int8_t *to, int value, int count) {
    for (; count > 0; count--) {
        *to++ = (int8_t)value;
    }
    return to;
}

/* Return the values under the kernel, in the order of the weights; top, left: where it lies, perhaps
 * outside of the input, which has the zero point there. The values of a row follow each other in the
 * input, so that only several rows or a row that reaches outside are copied, into `patch`. */
static const int8_t *values_under(const layer_t *layer, const int8_t *input, int top, int left,
                                  int8_t *patch) {
    const int in_c = layer->in_c, length = layer->kernel_w * in_c;
    const int over = left + layer->kernel_w - layer->in_w;
    const int before = left < 0 ? -left * in_c : 0, behind = over > 0 ? over * in_c : 0;
    const int inside = length - before - behind;
    int8_t *to = patch;
    for (int row = top; row < top + layer->kernel_h; row++) {
        if (row < 0 || row >= layer->in_h) {
            to = fill(to, layer->in_zero, length);
            continue;
        }
        const int8_t *from = input + (row * layer->in_w + left) * in_c + before;
        if (layer->kernel_h == 1 && inside == length) {
            return from;
        }
        to = fill(to, layer->in_zero, before);
        to = copy(to, from, inside);
        to = fill(to, layer->in_zero, behind);
    }
    return patch;
}

static void convolve(network_t *network, const layer_t *layer, const int8_t *input,
                     int8_t *output) {
    const int8_t *first = NULL;
    for (int y = 0; y < layer->out_h; y++) {
        for (int x = 0; x < layer->out_w; x++) {
            const int top = y * layer->stride_h - layer->pad_h;
            const int left = x * layer->stride_w - layer->pad_w;
            const int8_t *values =
                values_under(layer, input, top, left, network->patches[first ? 1 : 0]);
            if (PIXELS == 2 && !first) {
                first = values;
                continue;
            }
            if (PIXELS == 2) {
                convolve_pair(layer, first, values, output);
            } else {
                convolve_pixel(layer, values, 0, output);
            }
            output += PIXELS * layer->out_c;
            first = NULL;
        }
    }
    if (first) {
        convolve_pixel(layer, first, 0, output);
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

static void pool_all(const layer_t *layer, const int8_t *input, int8_t *output) {
    for (int y = 0; y < layer->out_h; y++) {
        for (int x = 0; x < layer->out_w; x++, output += layer->out_c) {
            const int top = y * layer->stride_h - layer->pad_h;
            const int left = x * layer->stride_w - layer->pad_w;
            pool(layer, input, top, left, output);
        }
    }
}

static void look_up(const layer_t *layer, const int8_t *input, int8_t *output) {
    for (int i = 0; i < layer->out_h * layer->out_w * layer->out_c; i++) {
        output[i] = layer->lookup[input[i] + 128];
    }
}

static void run_layer(network_t *network, const layer_t *layer, const int8_t *input,
                      int8_t *output) {
    if (layer->kind == LAYER_CONVOLUTION) {
        convolve(network, layer, input, output);
    } else if (layer->kind == LAYER_LOOKUP) {
        look_up(layer, input, output);
    } else {
        pool_all(layer, input, output);
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
        run_layer(network, &LAYERS[i], from, to);
        from = to;
    }
    return 0;
}
#endif
