#include "fft.h"

enum { HALF = FRAME_SIZE / 2 };

/* A complex transform of HALF values, radix 2, decimation in time. TWIDDLES holds cos and -sin of
 * 2 pi k / FRAME_SIZE. */
static void fft_complex(real_t *values) {
    for (int i = 1, j = 0; i < HALF; i++) {
        int bit = HALF >> 1;
        for (; j & bit; bit >>= 1) {
            j ^= bit;
        }
        j ^= bit;
        if (i < j) {
            real_t real = values[2 * i], imaginary = values[2 * i + 1];
            values[2 * i] = values[2 * j];
            values[2 * i + 1] = values[2 * j + 1];
            values[2 * j] = real;
            values[2 * j + 1] = imaginary;
        }
    }
    for (int size = 2; size <= HALF; size <<= 1) {
        int step = FRAME_SIZE / size;
        for (int k = 0; k < size / 2; k++) {
            real_t c = TWIDDLES[2 * k * step], s = TWIDDLES[2 * k * step + 1];
            for (int first = k; first < HALF; first += size) {
                real_t *a = values + 2 * first, *b = values + 2 * (first + size / 2);
                real_t real = b[0] * c - b[1] * s, imaginary = b[0] * s + b[1] * c;
                b[0] = a[0] - real;
                b[1] = a[1] - imaginary;
                a[0] += real;
                a[1] += imaginary;
            }
        }
    }
}

void fft_real(real_t values[FRAME_SIZE]) {
    /* Even samples are the real, odd ones the imaginary parts of a complex sequence of half the
     * length. Its symmetric and antisymmetric parts are the spectra of the two. */
    fft_complex(values);
    real_t first = values[0], second = values[1];
    values[0] = first + second;
    values[1] = first - second;
    for (int k = 1; k <= HALF / 2; k++) {
        real_t *a = values + 2 * k, *b = values + 2 * (HALF - k);
        real_t even_real = (a[0] + b[0]) / 2, even_imaginary = (a[1] - b[1]) / 2;
        real_t odd_real = (a[1] + b[1]) / 2, odd_imaginary = (b[0] - a[0]) / 2;
        real_t c = TWIDDLES[2 * k], s = TWIDDLES[2 * k + 1];
        real_t real = odd_real * c - odd_imaginary * s;
        real_t imaginary = odd_real * s + odd_imaginary * c;
        a[0] = even_real + real;
        a[1] = even_imaginary + imaginary;
        b[0] = even_real - real;
        b[1] = imaginary - even_imaginary;
    }
}

real_t fft_energy(const real_t values[FRAME_SIZE], int bin) {
    if (bin == 0) {
        return values[0] * values[0];
    }
    if (bin == HALF) {
        return values[1] * values[1];
    }
    return values[2 * bin] * values[2 * bin] + values[2 * bin + 1] * values[2 * bin + 1];
}
