/* Mel-frequency cepstral coefficients: the cosine transform of the mel bands in decibels, samples from -1 to 1. */
#include "frontend.h"

#include <math.h>

#include "fft.h"

void frontend_bands(const int16_t pcm[FRAME_SIZE], float bands[MEL_BANDS], real_t work[FRAME_SIZE]) {
    for (int i = 0; i < FRAME_SIZE; i++) {
        work[i] = (float)pcm[i] / 32768.0f * FRAME_WINDOW[i];
    }
    fft_real(work);
    const float *weight = MEL_WEIGHTS;
    for (int band = 0; band < MEL_BANDS; band++) {
        float mel = 0.0f;
        for (int bin = MEL_FIRST[band]; bin < MEL_FIRST[band] + MEL_COUNT[band]; bin++) {
            mel += *weight++ * fft_energy(work, bin);
        }
        bands[band] = 10.0f * log10f(mel + MEL_EPSILON);
    }
}

void frontend_values(const float bands[MEL_BANDS], float floor, float frame[SPECTRUM_SIZE]) {
    for (int k = 0; k < SPECTRUM_SIZE; k++) {
        float total = 0.0f;
        for (int band = 0; band < MEL_BANDS; band++) {
            total += (bands[band] > floor ? bands[band] : floor) * COSINES[band * SPECTRUM_SIZE + k];
        }
        frame[k] = total;
    }
}
