/* Energy spectrum of a real frame, without heap. */
#ifndef FFT_H
#define FFT_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Replace FRAME_SIZE real values by the energies of their bins: values[k], k up to FRAME_SIZE / 2.
 * What lies behind has no meaning. */
void fft_energies(float values[FRAME_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
