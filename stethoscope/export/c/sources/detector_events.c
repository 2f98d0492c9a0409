#include "detector.h"

#include <math.h>
#include <string.h>

#include "frontend.h"
#include "network.h"

int detector_init(detector_t *detector, detector_on_score_t on_score, detector_on_event_t on_event, void *context) {
    memset(detector, 0, sizeof *detector);
    detector->on_score = on_score;
    detector->on_event = on_event;
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

/* The smoothed score stands for the window in the middle of those that it is the mean of. */
static uint32_t middle(uint32_t window) { return window > SMOOTHING / 2 ? window - SMOOTHING / 2 : 0; }

static int sure(const detector_t *detector) { return detector->active && detector->last - detector->first + 1 >= MIN_WINDOWS; }

static void tell(detector_t *detector) {
    const uint32_t stride = (uint32_t)WINDOW_STRIDE * FRAME_STRIDE, length = (uint32_t)(WINDOW_SIZE - 1) * FRAME_STRIDE + FRAME_SIZE;
    detector_event_t event = {middle(detector->first) * stride, middle(detector->last) * stride + length, detector->best};
    int told = sure(detector);
    detector->active = 0;
    if (told && detector->on_event) {
        detector->on_event(detector->context, &event);
    }
}

static void judge(detector_t *detector, float score) {
    memmove(detector->recent, detector->recent + 1, sizeof detector->recent - sizeof detector->recent[0]);
    detector->recent[SMOOTHING - 1] = score;
    float smoothed = 0.0f;
    for (int i = 0; i < SMOOTHING; i++) {
        smoothed += detector->recent[i];
    }
    smoothed /= (float)SMOOTHING;
    if (smoothed > THRESHOLD) {
        if (!detector->active) {
            detector->active = 1;
            detector->first = detector->index;
            detector->best = 0.0f;
        }
        detector->last = detector->index;
        detector->best = smoothed > detector->best ? smoothed : detector->best;
    } else if (detector->active && detector->index - detector->last >= HOLD_OFF) {
        tell(detector);
    }
    detector->index++;
    if (detector->on_score) {
        detector->on_score(detector->context, score, sure(detector));
    }
}

static int take_frame(detector_t *detector) {
    frontend_frame(detector->pcm, detector->frame, detector->work);
    memmove(detector->pcm, detector->pcm + FRAME_STRIDE, sizeof detector->pcm - FRAME_STRIDE * sizeof detector->pcm[0]);
    detector->n_pcm = FRAME_SIZE - FRAME_STRIDE;
    detector_quantise(detector->frame, detector->window + detector->n_frames * SPECTRUM_SIZE);
    if (++detector->n_frames < WINDOW_SIZE) {
        return 0;
    }
    int8_t answer[OUTPUT_SIZE];
    int failed = network_run(detector->window, answer);
    memmove(detector->window, detector->window + WINDOW_STRIDE * SPECTRUM_SIZE, sizeof detector->window - WINDOW_STRIDE * SPECTRUM_SIZE);
    detector->n_frames = WINDOW_SIZE - WINDOW_STRIDE;
    if (!failed) {
        judge(detector, (float)(answer[0] - OUTPUT_ZERO_POINT) * OUTPUT_SCALE);
    }
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
    if (detector->active) {
        tell(detector);
    }
}
