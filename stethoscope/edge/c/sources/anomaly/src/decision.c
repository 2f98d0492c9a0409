#include "decision.h"

#include <string.h>

#include "detector.h"

void decision_begin(decision_t *decision) { memset(decision, 0, sizeof *decision); }

float *decision_frame(decision_t *decision, int index) {
    return decision->window + index * SPECTRUM_SIZE;
}

/* Return the mean squared error of the reconstructed window. */
static float mean_squared_error(const float *window, const int8_t output[OUTPUT_SIZE]) {
    float total = 0.0f;
    for (int i = 0; i < OUTPUT_SIZE; i++) {
        float error = (float)(output[i] - OUTPUT_ZERO_POINT) * OUTPUT_SCALE - window[i];
        total += error * error;
    }
    return total / (float)OUTPUT_SIZE;
}

/* Report the verdict of a full block, and begin the next one. */
static void end_block(detector_t *detector) {
    decision_t *decision = &detector->decision;
    const uint32_t first = decision->index - BLOCK_WINDOWS, last = decision->index - 1;
    detector_verdict_t verdict = {first * WINDOW_STEP, last * WINDOW_STEP + WINDOW_SAMPLES,
                                  0.0f, 0};
    verdict.score = decision->total / (float)BLOCK_WINDOWS;
    verdict.anomalous = verdict.score > THRESHOLD;
    decision->n_windows = 0;
    decision->total = 0.0f;
    if (detector->on_result) {
        detector->on_result(detector->context, &verdict);
    }
}

void decision_take(detector_t *detector, const int8_t output[OUTPUT_SIZE]) {
    decision_t *decision = &detector->decision;
    const float score = mean_squared_error(decision->window, output);
    memmove(decision->window, decision->window + WINDOW_STRIDE * SPECTRUM_SIZE,
            sizeof decision->window - WINDOW_STRIDE * SPECTRUM_SIZE * sizeof decision->window[0]);
    if (detector->on_score) {
        detector->on_score(detector->context, score, 0);
    }
    decision->total += score;
    decision->index++;
    if (++decision->n_windows == BLOCK_WINDOWS) {
        end_block(detector);
    }
}

void decision_finish(detector_t *detector) {
    detector->decision.n_windows = 0;
    detector->decision.total = 0.0f;
}
