/* A classifier of clips: pass a whole clip of PCM, get the probability of every class.
 * No heap; all state is in detector_t. */
#ifndef DETECTOR_H
#define DETECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "network.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int16_t pcm[FRAME_SIZE];
    float work[FRAME_SIZE];
    float bands[MEL_BANDS], frame[SPECTRUM_SIZE];
    int8_t input[INPUT_SIZE], output[OUTPUT_SIZE];
    network_t network;
} detector_t;

/* Make the network ready. Returns 0, or another number if detector is NULL or it cannot run. */
int detector_init(detector_t *detector);

/* Compute the probabilities of a clip, at SAMPLE_RATE, in the order of CLASS_LABELS. A clip longer
 * than CLIP_SAMPLES is covered by several windows, whose probabilities are averaged; a shorter one
 * is extended with its own end. Returns 0, or another number if a pointer is NULL, there is no
 * sample or the network failed. */
int detector_classify(detector_t *detector, const int16_t *pcm, size_t count,
                      float probabilities[OUTPUT_SIZE]);

/* Return the level to which quieter bands are raised: the clip's loudest band less DYNAMIC_DB. */
float detector_floor(detector_t *detector, const int16_t *pcm, size_t count);

/* Compute a frame of the clip into detector->frame. Frames are centred FRAME_STRIDE samples apart,
 * from the first sample on. */
void detector_frame(detector_t *detector, const int16_t *pcm, size_t count, size_t index,
                    float floor);

#ifdef __cplusplus
}
#endif
#endif
