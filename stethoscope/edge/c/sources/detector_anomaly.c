#include "detector.h"

#include <math.h>
#include <string.h>

#include "frontend.h"
#include "network.h"

int detector_init(detector_t *detector, detector_on_score_t on_score, detector_on_verdict_t on_verdict, void *context) {
    memset(detector, 0, sizeof *detector);
    detector->on_score = on_score;
    detector->on_verdict = on_verdict;
    detector->context = context;
    return network_init();
}

void detector_quantise(const float frame[SPECTRUM_SIZE], int8_t values[SPECTRUM_SIZE]) {
    for (int i = 0; i < SPECTRUM_SIZE; i++) {
        float value = (frame[i] - SPECTRUM_MEAN) / SPECTRUM_STD;
        long step = lrintf(value / INPUT_SCALE) + INPUT_ZERO_POINT;
        values[i] = (int8_t)(step < -128 ? -128 : step > 127 ? 127 : step);
    }
}

static void judge(detector_t *detector, float score) {
    const uint32_t stride = (uint32_t)WINDOW_STRIDE * FRAME_STRIDE, length = (uint32_t)(WINDOW_SIZE - 1) * FRAME_STRIDE + FRAME_SIZE;
    if (detector->on_score) {
        detector->on_score(detector->context, score, 0);
    }
    detector->total += score;
    detector->index++;
    if (++detector->n_windows < BLOCK_WINDOWS) {
        return;
    }
    detector_verdict_t verdict = {(detector->index - BLOCK_WINDOWS) * stride, (detector->index - 1) * stride + length, 0.0f, 0};
    verdict.score = detector->total / (float)BLOCK_WINDOWS;
    verdict.anomalous = verdict.score > THRESHOLD;
    detector->n_windows = 0;
    detector->total = 0.0f;
    if (detector->on_verdict) {
        detector->on_verdict(detector->context, &verdict);
    }
}

static int take_frame(detector_t *detector) {
    frontend_frame(detector->pcm, detector->window + detector->n_frames * SPECTRUM_SIZE, detector->work);
    memmove(detector->pcm, detector->pcm + FRAME_STRIDE, sizeof detector->pcm - FRAME_STRIDE * sizeof detector->pcm[0]);
    detector->n_pcm = FRAME_SIZE - FRAME_STRIDE;
    if (++detector->n_frames < WINDOW_SIZE) {
        return 0;
    }
    for (int i = 0; i < WINDOW_SIZE; i++) {
        detector_quantise(detector->window + i * SPECTRUM_SIZE, detector->input + i * SPECTRUM_SIZE);
    }
    int failed = network_run(detector->input, detector->output);
    if (!failed) {
        float total = 0.0f;
        for (int i = 0; i < OUTPUT_SIZE; i++) {
            float error = (float)(detector->output[i] - OUTPUT_ZERO_POINT) * OUTPUT_SCALE - detector->window[i];
            total += error * error;
        }
        judge(detector, total / (float)OUTPUT_SIZE);
    }
    memmove(detector->window, detector->window + WINDOW_STRIDE * SPECTRUM_SIZE,
            sizeof detector->window - WINDOW_STRIDE * SPECTRUM_SIZE * sizeof detector->window[0]);
    detector->n_frames = WINDOW_SIZE - WINDOW_STRIDE;
    return failed;
}

int detector_feed(detector_t *detector, const int16_t *pcm, size_t count) {
    for (size_t i = 0; i < count; i++) {
        detector->pcm[detector->n_pcm++] = pcm[i];
        if (detector->n_pcm == FRAME_SIZE) {
            int failed = take_frame(detector);
            if (failed) {
                return failed;
            }
        }
    }
    return 0;
}

void detector_finish(detector_t *detector) {
    detector->n_windows = 0;
    detector->total = 0.0f;
}
