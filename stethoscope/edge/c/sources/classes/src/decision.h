/* Decisions about classes: from the network's output to probabilities. */
#ifndef DECISION_H
#define DECISION_H

#include <stdint.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Add the probabilities of one window, the softmax of the network's output, to a sum. */
void decision_add(const int8_t output[OUTPUT_SIZE], float sum[OUTPUT_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
