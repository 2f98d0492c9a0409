/* Decisions about events: from the scores of windows to events with start, end and score.
 *
 * The windows so far can be divided into events and the time between them in many ways. The most
 * probable division is the best explanation of the scores; it may change with every window. */
#ifndef DECISION_H
#define DECISION_H

#include <stdint.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t start, end;  /* in samples since detector_init; they wrap after 74 hours at 16 kHz */
    uint32_t reported_at; /* from when on the event could be known to be in progress */
    float score;          /* mean score of its windows, 0 to 1 */
    int class_index;      /* CLASS_LABELS has its name */
} detector_event_t;

/* Called for every event, HOLD_OFF windows after its end. Events of several classes can overlap. */
typedef void (*detector_on_event_t)(void *context, const detector_event_t *event);
typedef detector_on_event_t detector_on_result_t;

/* An event that ended. */
typedef struct {
    uint32_t first, last; /* its windows */
    uint32_t reported;    /* window after which it was known to be in progress */
    float score;
    int exists; /* 0: no event */
} decision_run_t;

/* An event that may be in progress. */
typedef struct {
    float gain;            /* evidence for it, over the best explanation without it */
    float total;           /* of the scores of its windows */
    decision_run_t before; /* the event before it in this explanation, unless it was reported */
} decision_candidate_t;

/* The search for the events of a class. */
typedef struct {
    uint32_t longest_first; /* first window of the last candidate, which stands for all that are
                               as long or longer */
    decision_run_t pending; /* last event of the best explanation, unless it was reported */
    uint32_t reported;      /* window after which the current event was known to be in progress */
    int in_progress;        /* whether there is such a window */
} decision_search_t;

typedef struct {
    float frame[SPECTRUM_SIZE];
    uint32_t index; /* of the next window */
    /* Of each class, one after the other: of 1, 2, ... windows so far. */
    decision_candidate_t candidates[EVENT_LENGTHS];
    decision_search_t searches[OUTPUT_SIZE];
} decision_t;

#ifdef __cplusplus
}
#endif
#endif
