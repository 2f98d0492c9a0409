/* Band spectrum: log(1 + |X|) of the lowest bins, of samples in the units of 16-bit PCM. */
#include "frontend.h"

#include <math.h>

#include "fft.h"

void frontend_frame(const int16_t pcm[FRAME_SIZE], float frame[SPECTRUM_SIZE],
                    float work[FRAME_SIZE]) {
    int32_t total = 0;
    for (int i = 0; i < FRAME_SIZE; i++) {
        total += pcm[i];
    }
    const float mean = (float)total / FRAME_SIZE;
    for (int i = 0; i < FRAME_SIZE; i++) {
        work[i] = ((float)pcm[i] - mean) * FRAME_WINDOW[i];
    }
    fft_energies(work);
    for (int k = 0; k < SPECTRUM_SIZE; k++) {
        frame[k] = log1pf(sqrtf(work[k]));
    }
}
