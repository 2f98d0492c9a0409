/* The front end: from samples to the values that the network takes. No heap, no state. */
#ifndef FRONTEND_H
#define FRONTEND_H

#include <stdint.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `work` is memory of the caller for intermediate values. */

#ifdef MEL_BANDS
/* Compute the mel bands of one frame, in decibels. */
void frontend_bands(const int16_t pcm[FRAME_SIZE], float bands[MEL_BANDS],
                    float work[FRAME_SIZE]);
#endif
#ifdef CLIP_SAMPLES
/* Compute the values of a frame from its bands. Bands below the floor are raised to it. The two
 * arrays may not overlap. */
void frontend_values(const float bands[MEL_BANDS], float floor, float frame[SPECTRUM_SIZE]);
#else
/* Compute the values of one frame. */
void frontend_frame(const int16_t pcm[FRAME_SIZE], float frame[SPECTRUM_SIZE],
                    float work[FRAME_SIZE]);
#endif

#ifdef __cplusplus
}
#endif
#endif
