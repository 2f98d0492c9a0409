#include "decision.h"

#include <math.h>

void decision_add(const int8_t output[OUTPUT_SIZE], float sum[OUTPUT_SIZE]) {
    float exponentials[OUTPUT_SIZE], total = 0.0f;
    int most = output[0];
    for (int k = 1; k < OUTPUT_SIZE; k++) {
        most = output[k] > most ? output[k] : most;
    }
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        exponentials[k] = expf((float)(output[k] - most) * OUTPUT_SCALE);
        total += exponentials[k];
    }
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        sum[k] += exponentials[k] / total;
    }
}
