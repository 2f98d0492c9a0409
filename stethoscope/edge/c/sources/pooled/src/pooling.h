/* From the levels of a block to its score: the views of the sound, and their distances from the
 * machines. No heap; all intermediate values are in the caller's pooling_t. */
#ifndef POOLING_H
#define POOLING_H

#include <stdint.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    /* The views; that of the mean spectra is one segment at a time. */
    float steady[COARSE_BANDS], events[COARSE_BANDS], modulation[MODULATION_SIZE],
        rhythm[RHYTHM_SIZE], segment[COARSE_BANDS];
    float distances[MACHINES * SEGMENTS]; /* of the segments */
    float centred[VALUES_MOST];           /* a view minus a machine's mean */
    float column[BLOCK_FRAMES];           /* a band over time */
    float turns[2 * BLOCK_FRAMES];        /* cosine and sine of every angle */
    float window[BLOCK_FRAMES];
    /* Of every line of the spectrum: the rhythm nearest to it, the weight of the line in that, and
     * by how much the weight in the next one is larger. */
    int16_t nearest[LINES];
    float weight[LINES], upwards[LINES];
    float folded[2 * LINES * COARSE_MOST]; /* of four bands the even parts, then the odd ones */
    float power[LINES * COARSE_MOST], group[LINES], halves[2 * LINES];
} pooling_t;

/* Compute the views of n_frames frames of MEL_BANDS levels, MIN_FRAMES <= n_frames <= BLOCK_FRAMES,
 * and the distances of the segments. */
void pooling_views(pooling_t *pooling, const uint8_t *levels, int n_frames);

/* Return the score of a block. machine: the index of the machine that it was scored as. */
float pooling_score(pooling_t *pooling, const uint8_t *levels, int n_frames, int *machine);

#ifdef __cplusplus
}
#endif
#endif
