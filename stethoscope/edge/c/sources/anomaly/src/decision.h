/* Decisions about anomalies: from reconstructed windows to a verdict per block of windows. */
#ifndef DECISION_H
#define DECISION_H

#include <stdint.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t start, end; /* in samples since detector_init; they wrap after 74 hours at 16 kHz */
    float score;         /* mean squared error over BLOCK_WINDOWS windows */
    int anomalous;       /* 1 if the score exceeds THRESHOLD, else 0 */
} detector_verdict_t;

/* Called at the end of every block. */
typedef void (*detector_on_verdict_t)(void *context, const detector_verdict_t *verdict);
typedef detector_on_verdict_t detector_on_result_t;

typedef struct {
    float window[WINDOW_SIZE * SPECTRUM_SIZE]; /* the network's output is compared with it */
    uint32_t index;                            /* of the next window */
    int n_windows;                             /* in the block so far */
    float total;                               /* of their scores */
} decision_t;

#ifdef __cplusplus
}
#endif
#endif
