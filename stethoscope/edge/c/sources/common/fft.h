/* Energy spectrum of a real frame, without heap. */
#ifndef FFT_H
#define FFT_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Transform FRAME_SIZE real values in place. Afterwards values[2 k] and values[2 k + 1] are the
 * real and the imaginary part of bin k for 0 < k < FRAME_SIZE / 2. values[0] is bin 0 and values[1]
 * bin FRAME_SIZE / 2, which are real. */
void fft_real(real_t values[FRAME_SIZE]);

/* Return the energy of a bin, 0 <= bin <= FRAME_SIZE / 2, from the result of fft_real. */
real_t fft_energy(const real_t values[FRAME_SIZE], int bin);

#ifdef __cplusplus
}
#endif
#endif
