/* The network, from int8 to int8. network.c runs it in plain C; network_tflm.cc, linked in its
 * place, runs it with TensorFlow Lite Micro. */
#ifndef NETWORK_H
#define NETWORK_H

#include <math.h>
#include <stdint.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Make the network ready. Returns 0, or another number if it cannot run. */
int network_init(void);

/* Run the network on one window. Returns 0, or another number if it failed. */
int network_run(const int8_t input[INPUT_SIZE], int8_t output[OUTPUT_SIZE]);

/* Quantise a normalised value: the nearest step, halves to the even one. */
static inline int8_t network_quantise(float value) {
    long step = lrintf(value / INPUT_SCALE) + INPUT_ZERO_POINT;
    return (int8_t)(step < -128 ? -128 : step > 127 ? 127 : step);
}

#ifdef __cplusplus
}
#endif
#endif
