#include "fft.h"

enum { HALF = FRAME_SIZE / 2 };

/* Reorder HALF complex values by the reversed bits of their places. */
static void reverse_bits(float *values) {
    for (int i = 1, j = 0; i < HALF; i++) {
        int bit = HALF >> 1;
        for (; j & bit; bit >>= 1) {
            j ^= bit;
        }
        j ^= bit;
        if (i < j) {
            const float real = values[2 * i], imaginary = values[2 * i + 1];
            values[2 * i] = values[2 * j];
            values[2 * i + 1] = values[2 * j + 1];
            values[2 * j] = real;
            values[2 * j + 1] = imaginary;
        }
    }
}

/* Join neighbouring values: transforms of length 2. */
static void join_pairs(float *values) {
    for (float *a = values; a < values + FRAME_SIZE; a += 4) {
        const float real = a[2], imaginary = a[3];
        a[2] = a[0] - real;
        a[3] = a[1] - imaginary;
        a[0] += real;
        a[1] += imaginary;
    }
}

/* Join four transforms of length `quarter` to each one of four times the length. */
static void join_fours(float *values, int quarter) {
    const int step = FRAME_SIZE / (4 * quarter);
    for (int k = 0; k < quarter; k++) {
        const float *one = TWIDDLES + 2 * k * step, *two = TWIDDLES + 4 * k * step;
        const float c1 = one[0], s1 = one[1], c2 = two[0], s2 = two[1];
        const int over = 3 * k * step >= HALF; /* the table ends at half a turn */
        const float *three = TWIDDLES + (6 * k * step - (over ? FRAME_SIZE : 0));
        const float c3 = over ? -three[0] : three[0], s3 = over ? -three[1] : three[1];
        for (float *a = values + 2 * k; a < values + FRAME_SIZE; a += 8 * quarter) {
            float *b = a + 2 * quarter, *c = b + 2 * quarter, *d = c + 2 * quarter;
            const float br = b[0] * c2 - b[1] * s2, bi = b[0] * s2 + b[1] * c2;
            const float cr = c[0] * c1 - c[1] * s1, ci = c[0] * s1 + c[1] * c1;
            const float dr = d[0] * c3 - d[1] * s3, di = d[0] * s3 + d[1] * c3;
            const float sum_r = a[0] + br, sum_i = a[1] + bi;
            const float difference_r = a[0] - br, difference_i = a[1] - bi;
            a[0] = sum_r + (cr + dr);
            a[1] = sum_i + (ci + di);
            c[0] = sum_r - (cr + dr);
            c[1] = sum_i - (ci + di);
            b[0] = difference_r + (ci - di);
            b[1] = difference_i - (cr - dr);
            d[0] = difference_r - (ci - di);
            d[1] = difference_i + (cr - dr);
        }
    }
}

/* A complex transform of HALF values, radix 4, decimation in time. TWIDDLES holds cos and -sin of
 * 2 pi k / FRAME_SIZE. */
static void fft_complex(float *values) {
    int size = 1;
    reverse_bits(values);
    for (int rest = HALF; rest > 1; rest >>= 2) {
        size = rest == 2 ? 2 : size;
    }
    if (size == 2) {
        join_pairs(values);
    }
    for (; size < HALF; size *= 4) {
        join_fours(values, size);
    }
}

/* Transform FRAME_SIZE real values in place. Afterwards values[2 k] and values[2 k + 1] are the
 * real and the imaginary part of bin k for 0 < k < FRAME_SIZE / 2. values[0] is bin 0 and values[1]
 * bin FRAME_SIZE / 2, which are real. */
static void fft_real(float values[FRAME_SIZE]) {
    /* Even samples are the real, odd ones the imaginary parts of a complex sequence of half the
     * length. Its symmetric and antisymmetric parts are the spectra of the two. */
    fft_complex(values);
    float first = values[0], second = values[1];
    values[0] = first + second;
    values[1] = first - second;
    for (int k = 1; k <= HALF / 2; k++) {
        float *a = values + 2 * k, *b = values + 2 * (HALF - k);
        float even_real = (a[0] + b[0]) / 2, even_imaginary = (a[1] - b[1]) / 2;
        float odd_real = (a[1] + b[1]) / 2, odd_imaginary = (b[0] - a[0]) / 2;
        float c = TWIDDLES[2 * k], s = TWIDDLES[2 * k + 1];
        float real = odd_real * c - odd_imaginary * s;
        float imaginary = odd_real * s + odd_imaginary * c;
        a[0] = even_real + real;
        a[1] = even_imaginary + imaginary;
        b[0] = even_real - real;
        b[1] = imaginary - even_imaginary;
    }
}

void fft_energies(float values[FRAME_SIZE]) {
    fft_real(values);
    const float last = values[1] * values[1];
    values[0] = values[0] * values[0];
    for (int k = 1; k < HALF; k++) {
        values[k] = values[2 * k] * values[2 * k] + values[2 * k + 1] * values[2 * k + 1];
    }
    values[HALF] = last;
}
