/* The front end: from samples to the values that the network was trained on. No heap, no state. */
#ifndef FRONTEND_H
#define FRONTEND_H

#include <stdint.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Compute one frame. `work` is scratch that the caller lends; its content does not matter before or after. */
void frontend_frame(const int16_t pcm[FRAME_SIZE], float frame[SPECTRUM_SIZE], real_t work[FRAME_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
