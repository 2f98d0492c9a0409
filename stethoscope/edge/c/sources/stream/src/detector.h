/* A detector for a stream of sound: feed blocks of PCM of any length, get scores and results.
 * decision.h declares the results. No heap; all state is in detector_t. */
#ifndef DETECTOR_H
#define DETECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "decision.h"
#include "model.h"
#include "network.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WINDOW_STEP = WINDOW_STRIDE * FRAME_STRIDE, /* samples from window to window */
    WINDOW_SAMPLES = (WINDOW_SIZE - 1) * FRAME_STRIDE + FRAME_SIZE /* samples of a window */
};

/* Called for every window with its score; with several classes of events once for each class, in
 * the order of CLASS_LABELS. active: 1 while an event is in progress, else 0. */
typedef void (*detector_on_score_t)(void *context, float score, int active);

typedef struct detector {
    detector_on_score_t on_score;
    detector_on_result_t on_result;
    void *context;
    int16_t pcm[FRAME_SIZE];
    float work[FRAME_SIZE];
    int8_t window[WINDOW_SIZE * SPECTRUM_SIZE];
    int8_t output[OUTPUT_SIZE];
    size_t n_pcm;
    int n_frames;
    network_t network;
    decision_t decision;
} detector_t;

/* Begin a stream. Either callback may be NULL. on_result: of type detector_on_event_t or
 * detector_on_verdict_t, see decision.h. Returns 0, or another number if detector is NULL or
 * the network cannot run. */
int detector_init(detector_t *detector, detector_on_score_t on_score,
                  detector_on_result_t on_result, void *context);

/* Process the next samples. Returns 0, or another number if a pointer is NULL or the network
 * failed. */
int detector_feed(detector_t *detector, const int16_t *pcm, size_t count);

/* End the stream: an event in progress is reported, a block that is not full is dropped. */
void detector_finish(detector_t *detector);

/* Quantise a frame for the network. */
void detector_quantise(const float frame[SPECTRUM_SIZE], int8_t values[SPECTRUM_SIZE]);

/* Functions of decision.c, called by those above. */

/* Begin a stream. */
void decision_begin(decision_t *decision);

/* Return where the front end writes the values of a frame; index: its place in the window. */
float *decision_frame(decision_t *decision, int index);

/* Process the network's output for the next window. */
void decision_take(detector_t *detector, const int8_t output[OUTPUT_SIZE]);

/* End the stream. */
void decision_finish(detector_t *detector);

#ifdef __cplusplus
}
#endif
#endif
