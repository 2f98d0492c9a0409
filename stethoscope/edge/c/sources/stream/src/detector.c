#include "detector.h"

#include <string.h>

#include "frontend.h"
#include "network.h"

int detector_init(detector_t *detector, detector_on_score_t on_score,
                  detector_on_result_t on_result, void *context) {
    if (!detector) {
        return 1;
    }
    memset(detector, 0, sizeof *detector);
    detector->on_score = on_score;
    detector->on_result = on_result;
    detector->context = context;
    decision_begin(&detector->decision);
    return network_init(&detector->network);
}

void detector_quantise(const float frame[SPECTRUM_SIZE], int8_t values[SPECTRUM_SIZE]) {
    for (int i = 0; i < SPECTRUM_SIZE; i++) {
        values[i] = network_quantise((frame[i] - SPECTRUM_MEAN) / SPECTRUM_STD);
    }
}

/* Run the network on a full window, and keep the frames that the next window shares with it. */
static int run_window(detector_t *detector) {
    int failed = network_run(&detector->network, detector->window, detector->output);
    memmove(detector->window, detector->window + WINDOW_STRIDE * SPECTRUM_SIZE,
            sizeof detector->window - WINDOW_STRIDE * SPECTRUM_SIZE);
    detector->n_frames = WINDOW_SIZE - WINDOW_STRIDE;
    if (!failed) {
        decision_take(detector, detector->output);
    }
    return failed;
}

/* Add the frame in pcm to the window, and keep the samples that the next frame shares with it. */
static int add_frame(detector_t *detector) {
    float *frame = decision_frame(&detector->decision, detector->n_frames);
    frontend_frame(detector->pcm, frame, detector->work);
    detector_quantise(frame, detector->window + detector->n_frames * SPECTRUM_SIZE);
    memmove(detector->pcm, detector->pcm + FRAME_STRIDE,
            sizeof detector->pcm - FRAME_STRIDE * sizeof detector->pcm[0]);
    detector->n_pcm = FRAME_SIZE - FRAME_STRIDE;
    return ++detector->n_frames < WINDOW_SIZE ? 0 : run_window(detector);
}

int detector_feed(detector_t *detector, const int16_t *pcm, size_t count) {
    if (!detector || (!pcm && count)) {
        return 1;
    }
    while (count > 0) {
        const size_t room = FRAME_SIZE - detector->n_pcm, taken = count < room ? count : room;
        memcpy(detector->pcm + detector->n_pcm, pcm, taken * sizeof pcm[0]);
        detector->n_pcm += taken;
        pcm += taken;
        count -= taken;
        if (detector->n_pcm == FRAME_SIZE) {
            int failed = add_frame(detector);
            if (failed) {
                return failed;
            }
        }
    }
    return 0;
}

void detector_finish(detector_t *detector) {
    if (detector) {
        decision_finish(detector);
    }
}
