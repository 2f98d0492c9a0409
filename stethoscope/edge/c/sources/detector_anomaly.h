/* Anomalies in a stream of sound: feed blocks of PCM of any length, get a verdict per block of windows. No heap; all state is in detector_t. */
#ifndef DETECTOR_H
#define DETECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t start, end; /* in samples since detector_init; they wrap after 74 hours at 16 kHz */
    float score;         /* mean squared error over BLOCK_WINDOWS windows */
    int anomalous;       /* whether the score exceeds THRESHOLD */
} detector_verdict_t;

/* Called for every window with its mean squared error and 0; and at the end of every block. Either may be NULL. */
typedef void (*detector_on_score_t)(void *context, float score, int active);
typedef void (*detector_on_verdict_t)(void *context, const detector_verdict_t *verdict);

typedef struct {
    detector_on_score_t on_score;
    detector_on_verdict_t on_verdict;
    void *context;
    int16_t pcm[FRAME_SIZE];
    real_t work[FRAME_SIZE];
    float window[WINDOW_SIZE * SPECTRUM_SIZE];
    int8_t input[INPUT_SIZE], output[OUTPUT_SIZE];
    int n_pcm, n_frames, n_windows;
    uint32_t index; /* of the next window */
    float total;
} detector_t;

/* Begin. Returns 0, or another number if the network cannot run. */
int detector_init(detector_t *detector, detector_on_score_t on_score, detector_on_verdict_t on_verdict, void *context);

/* Take the next samples. Returns 0, or another number if the network failed. */
int detector_feed(detector_t *detector, const int16_t *pcm, size_t count);

/* End the stream; a block that is not full is dropped. */
void detector_finish(detector_t *detector);

/* Quantise a frame as the network takes it. */
void detector_quantise(const float frame[SPECTRUM_SIZE], int8_t values[SPECTRUM_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
