/* The network, from int8 to int8. network.c runs it in plain C. With NETWORK_TFLM defined for all
 * files, network_tflm.cc runs it with TensorFlow Lite Micro instead. */
#ifndef NETWORK_H
#define NETWORK_H

#include <math.h>
#include <stdint.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Memory that a network works in. */
#ifdef NETWORK_TFLM
#include "network_tflm.h"
#else
typedef struct {
    int8_t buffers[2][NETWORK_BUFFER];
    int8_t patches[2][NETWORK_PATCH]; /* the values under a kernel, of two pixels */
} network_t;
#endif

/* Make a network ready. Returns 0, or another number if it cannot run. */
int network_init(network_t *network);

/* Run a network on one window. Returns 0, or another number if it failed. */
int network_run(network_t *network, const int8_t input[INPUT_SIZE], int8_t output[OUTPUT_SIZE]);

/* Quantise a normalised value: the nearest step, halves to the even one. */
static inline int8_t network_quantise(float value) {
    long step = lrintf(value / INPUT_SCALE) + INPUT_ZERO_POINT;
    return (int8_t)(step < -128 ? -128 : step > 127 ? 127 : step);
}

#ifdef __cplusplus
}
#endif
#endif
