/* Log-mel spectrum or mel-frequency cepstral coefficients, of samples from -1 to 1. */
#include "frontend.h"

#include <math.h>

#include "fft.h"

/* Return the magnitude of a bin to the power MEL_POWER, from its energy. */
static float to_power(float energy) {
    if (MEL_POWER == 2.0f) {
        return energy;
    }
    return MEL_POWER == 1.0f ? sqrtf(energy) : powf(energy, MEL_POWER / 2.0f);
}

void frontend_bands(const int16_t pcm[FRAME_SIZE], float bands[MEL_BANDS],
                    float work[FRAME_SIZE]) {
    for (int i = 0; i < FRAME_SIZE; i++) {
        work[i] = (float)pcm[i] / 32768.0f * FRAME_WINDOW[i];
    }
    fft_energies(work);
    const float *weight = MEL_WEIGHTS;
    for (int band = 0; band < MEL_BANDS; band++) {
        float mel = 0.0f;
        for (int bin = MEL_FIRST[band]; bin < MEL_FIRST[band] + MEL_COUNT[band]; bin++) {
            mel += *weight++ * to_power(work[bin]);
        }
        bands[band] = 20.0f / MEL_POWER * log10f(mel + MEL_EPSILON);
    }
}

#ifndef CLIP_SAMPLES
void frontend_frame(const int16_t pcm[FRAME_SIZE], float frame[SPECTRUM_SIZE],
                    float work[FRAME_SIZE]) {
    frontend_bands(pcm, frame, work);
}
#elif defined(CEPSTRA)
/* The cosine transform of the bands. */
void frontend_values(const float bands[MEL_BANDS], float floor, float frame[SPECTRUM_SIZE]) {
    for (int k = 0; k < SPECTRUM_SIZE; k++) {
        float total = 0.0f;
        for (int band = 0; band < MEL_BANDS; band++) {
            float level = bands[band] > floor ? bands[band] : floor;
            total += level * COSINES[band * SPECTRUM_SIZE + k];
        }
        frame[k] = total;
    }
}
#else
void frontend_values(const float bands[MEL_BANDS], float floor, float frame[SPECTRUM_SIZE]) {
    for (int band = 0; band < SPECTRUM_SIZE; band++) {
        frame[band] = bands[band] > floor ? bands[band] : floor;
    }
}
#endif
