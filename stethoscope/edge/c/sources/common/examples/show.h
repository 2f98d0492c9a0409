/* Prints numbers by whole numbers: the printf of many boards has no floating point.
 * SHOW takes the arguments of printf; define it before to print elsewhere. So does SHOW_HEADING. */
#ifndef SHOW_H
#define SHOW_H

#include <stdint.h>
#include <stdio.h>

#include "model.h"

#ifndef SHOW
#define SHOW(...) printf(__VA_ARGS__)
#endif
#ifndef SHOW_HEADING
#define SHOW_HEADING(...) SHOW(__VA_ARGS__)
#endif

/* Print what the model does, and the columns of the results. */
static inline void show_heading(const char *columns) {
    SHOW_HEADING("%s ", MODEL_NAME);
    SHOW_HEADING("%s\n", MODEL_TASK);
    SHOW_HEADING("%s\n", columns);
}

/* Print a number of samples as seconds, with four decimals and a tab. */
static inline void show_seconds(uint32_t samples) {
    const uint64_t parts = ((uint64_t)samples * 10000u + SAMPLE_RATE / 2u) / SAMPLE_RATE;
    SHOW("%lu.%04lu\t", (unsigned long)(parts / 10000u), (unsigned long)(parts % 10000u));
}

/* Print a score with four decimals; before: what is printed in front of it. */
static inline void show_score(const char *before, float score) {
    const float size = score < 0.0f ? -score : score;
    const unsigned long whole = (unsigned long)size;
    unsigned long parts = (unsigned long)((size - (float)whole) * 10000.0f + 0.5f);
    const unsigned long carried = parts / 10000u;
    parts %= 10000u;
    SHOW("%s%s%lu.%04lu", before, score < 0.0f ? "-" : "", whole + carried, parts);
}

#endif
