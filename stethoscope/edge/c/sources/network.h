/* The network: int8 in, int8 out. network.c runs it in plain C; network_tflm.cc, linked in its place, by TensorFlow Lite Micro. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdint.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Make the network ready. Returns 0, or another number if it cannot run. */
int network_init(void);

/* Run the network on one window. Returns 0, or another number if it failed. */
int network_run(const int8_t input[INPUT_SIZE], int8_t output[OUTPUT_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
