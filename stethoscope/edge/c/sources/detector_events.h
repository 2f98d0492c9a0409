/* Events in a stream of sound: feed blocks of PCM of any length, get scores and events. No heap; all state is in detector_t. */
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
    float score;         /* mean score of its windows, 0 to 1 */
} detector_event_t;

/* Called for every window with its score, 0 to 1, and whether an event is on; and HOLD_OFF windows after the end of an event. Either may be
 * NULL. */
typedef void (*detector_on_score_t)(void *context, float score, int active);
typedef void (*detector_on_event_t)(void *context, const detector_event_t *event);

typedef struct {
    uint32_t first, last; /* windows */
    float score;
    int there;
} detector_run_t;

typedef struct {
    float gain, total;     /* what speaks for the event over the best explanation without it, and the sum of its scores */
    detector_run_t before; /* the event that this explanation has before it, unless that was told */
} detector_candidate_t;

typedef struct {
    detector_on_score_t on_score;
    detector_on_event_t on_event;
    void *context;
    int16_t pcm[FRAME_SIZE];
    int8_t window[WINDOW_SIZE * SPECTRUM_SIZE];
    real_t work[FRAME_SIZE];
    float frame[SPECTRUM_SIZE];
    int n_pcm, n_frames;
    uint32_t index; /* of the next window */
    detector_candidate_t candidates[EVENT_LENGTHS]; /* events that have been on for 1, 2, ... windows */
    uint32_t long_since;                            /* first window of the last of them, which stands for all that are as long or longer */
    detector_run_t pending;                         /* the last event of the best explanation, unless it was told */
} detector_t;

/* Begin. Returns 0, or another number if the network cannot run. */
int detector_init(detector_t *detector, detector_on_score_t on_score, detector_on_event_t on_event, void *context);

/* Take the next samples. Returns 0, or another number if the network failed. */
int detector_feed(detector_t *detector, const int16_t *pcm, size_t count);

/* End the stream: tells an event that is still on. */
void detector_finish(detector_t *detector);

/* Take the network's answer to the next window; detector_feed does. */
void detector_judge(detector_t *detector, int8_t answer);

/* Quantise a frame as the network takes it. */
void detector_quantise(const float frame[SPECTRUM_SIZE], int8_t values[SPECTRUM_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
