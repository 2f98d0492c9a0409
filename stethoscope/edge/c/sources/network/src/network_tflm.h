/* Memory of a network that TensorFlow Lite Micro runs. network.h includes it. */
#ifndef NETWORK_TFLM_H
#define NETWORK_TFLM_H

#include <stdint.h>

#include "model.h"

/* Of the interpreter, of its operators, and of the tensors with what aligning them takes. The
 * compiler stops in network_tflm.cc where one is too small. */
enum {
    NETWORK_INTERPRETER = 512,
    NETWORK_OPERATORS = 96 * (MODEL_OPERATOR_COUNT + 1),
    NETWORK_ARENA = TENSOR_ARENA_SIZE + 16
};

typedef struct {
    uint64_t interpreter[NETWORK_INTERPRETER / 8];
    uint64_t operators[NETWORK_OPERATORS / 8];
    uint64_t arena[NETWORK_ARENA / 8];
} network_t;

#endif
