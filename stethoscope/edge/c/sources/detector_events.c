#include "detector.h"

#include <math.h>
#include <string.h>

#include "frontend.h"
#include "network.h"

enum { LAST = EVENT_LENGTHS - 1 };

static const float IMPOSSIBLE = -1e9f;

int detector_init(detector_t *detector, detector_on_score_t on_score, detector_on_event_t on_event, void *context) {
    memset(detector, 0, sizeof *detector);
    detector->on_score = on_score;
    detector->on_event = on_event;
    detector->context = context;
    for (int i = 0; i < EVENT_LENGTHS; i++) {
        detector->candidates[i].gain = IMPOSSIBLE;
    }
    return network_init();
}

void detector_quantise(const float frame[SPECTRUM_SIZE], int8_t values[SPECTRUM_SIZE]) {
    for (int i = 0; i < SPECTRUM_SIZE; i++) {
        float value = (frame[i] - SPECTRUM_MEAN) / SPECTRUM_STD;
        long step = lrintf(value / INPUT_SCALE) + INPUT_ZERO_POINT;
        values[i] = (int8_t)(step < -128 ? -128 : step > 127 ? 127 : step);
    }
}

/* Counters wrap; one comes after another if it is less than half the range ahead. */
static int after(uint32_t one, uint32_t other) { return (int32_t)(one - other) > 0; }

static void tell(detector_t *detector, const detector_run_t *run, uint32_t now) {
    const uint32_t stride = (uint32_t)WINDOW_STRIDE * FRAME_STRIDE, length = (uint32_t)(WINDOW_SIZE - 1) * FRAME_STRIDE + FRAME_SIZE;
    const detector_event_t event = {run->first * stride, run->last * stride + length, run->score};
    const uint32_t last = run->last;
    /* Now it is settled: what began before its end is no longer possible. */
    for (uint32_t i = 0; i < EVENT_LENGTHS; i++) {
        detector_candidate_t *candidate = &detector->candidates[i];
        candidate->before.there = 0;
        if (i == LAST ? !after(detector->long_since, last) : i >= now - last) {
            candidate->gain = IMPOSSIBLE;
        }
    }
    if (detector->on_event) {
        detector->on_event(detector->context, &event);
    }
}

/* Find the length whose gain and chance are highest together. */
static int best_of(const detector_t *detector, const float chance[EVENT_LENGTHS], float *reached) {
    int best = 0;
    *reached = detector->candidates[0].gain + chance[0];
    for (int i = 1; i < EVENT_LENGTHS; i++) {
        float value = detector->candidates[i].gain + chance[i];
        if (value > *reached) {
            *reached = value;
            best = i;
        }
    }
    return best;
}

/* Take an event as the last one of the best explanation, after telling the one before it. */
static void take(detector_t *detector, int length, uint32_t now) {
    const detector_candidate_t candidate = detector->candidates[length];
    if (candidate.before.there) {
        tell(detector, &candidate.before, now);
    }
    detector->pending.there = 1;
    detector->pending.first = length == LAST ? detector->long_since : now - (uint32_t)length;
    detector->pending.last = now;
    detector->pending.score = candidate.total / (float)(now - detector->pending.first + 1);
}

void detector_judge(detector_t *detector, int8_t answer) {
    const uint32_t now = detector->index++;
    const float score = (float)(answer - OUTPUT_ZERO_POINT) * OUTPUT_SCALE, evidence = EVIDENCE[answer + 128];
    detector_candidate_t *candidates = detector->candidates;

    /* Every event that is on has become a window longer; the longest ones share a place, where the better one stays. */
    if (candidates[LAST - 1].gain > candidates[LAST].gain) {
        candidates[LAST] = candidates[LAST - 1];
        detector->long_since = now - LAST;
    }
    memmove(candidates + 1, candidates, (LAST - 1) * sizeof candidates[0]);
    candidates[0].gain = -EVENT_COST;
    candidates[0].total = 0.0f;
    candidates[0].before = detector->pending;
    for (int i = 0; i < EVENT_LENGTHS; i++) {
        candidates[i].gain += evidence;
        candidates[i].total += score;
    }

    float reached;
    int best = best_of(detector, LENGTH_DENSITY, &reached);
    if (reached > 0.0f) {
        take(detector, best, now);
        for (int i = 0; i < EVENT_LENGTHS; i++) {
            candidates[i].gain -= reached;
        }
    }
    best_of(detector, LENGTH_SURVIVAL, &reached);
    const int on = reached > 0.0f;
    if (detector->pending.there && !on && now - detector->pending.last >= HOLD_OFF) {
        tell(detector, &detector->pending, now);
        detector->pending.there = 0;
    }
    if (detector->on_score) {
        detector->on_score(detector->context, score, on);
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
        detector_judge(detector, answer[0]);
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
    float reached;
    const uint32_t now = detector->index - 1;
    const int best = best_of(detector, LENGTH_SURVIVAL, &reached);
    if (reached > 0.0f) {
        take(detector, best, now);
    }
    if (detector->pending.there) {
        tell(detector, &detector->pending, now);
        detector->pending.there = 0;
    }
}
