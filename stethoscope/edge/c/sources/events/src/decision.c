#include "decision.h"

#include <string.h>

#include "detector.h"

enum { LAST = EVENT_LENGTHS - 1 };

static const float IMPOSSIBLE = -1e9f;

void decision_begin(decision_t *decision) {
    memset(decision, 0, sizeof *decision);
    for (int i = 0; i < EVENT_LENGTHS; i++) {
        decision->candidates[i].gain = IMPOSSIBLE;
    }
}

float *decision_frame(decision_t *decision, int index) {
    (void)index;
    return decision->frame;
}

/* Return whether a counter is ahead of another. They wrap: ahead is less than half the range. */
static int after(uint32_t one, uint32_t other) { return (int32_t)(one - other) > 0; }

/* Report an event. It is final then: candidates that began before its end are excluded. */
static void report(detector_t *detector, const decision_run_t *run, uint32_t now) {
    decision_t *decision = &detector->decision;
    const detector_event_t event = {
        run->first * WINDOW_STEP, run->last * WINDOW_STEP + WINDOW_SAMPLES,
        run->reported * WINDOW_STEP + WINDOW_SAMPLES, run->score};
    const uint32_t last = run->last;
    for (uint32_t i = 0; i < EVENT_LENGTHS; i++) {
        decision_candidate_t *candidate = &decision->candidates[i];
        candidate->before.exists = 0;
        if (i == LAST ? !after(decision->longest_first, last) : i >= now - last) {
            candidate->gain = IMPOSSIBLE;
        }
    }
    if (detector->on_result) {
        detector->on_result(detector->context, &event);
    }
}

/* Return the candidate with the highest sum of its gain and the logarithm of the probability of
 * its length; write that sum to *sum. */
static int best_candidate(const decision_t *decision, const float probability[EVENT_LENGTHS],
                          float *sum) {
    int best = 0;
    *sum = decision->candidates[0].gain + probability[0];
    for (int i = 1; i < EVENT_LENGTHS; i++) {
        float value = decision->candidates[i].gain + probability[i];
        if (value > *sum) {
            *sum = value;
            best = i;
        }
    }
    return best;
}

/* Make a candidate the last event of the best explanation; report the event before it. */
static void make_pending(detector_t *detector, int length, uint32_t now) {
    decision_run_t *pending = &detector->decision.pending;
    const decision_candidate_t candidate = detector->decision.candidates[length];
    uint32_t reported = pending->exists ? pending->reported : detector->decision.reported;
    if (candidate.before.exists) {
        report(detector, &candidate.before, now);
        reported = now;
    }
    pending->exists = 1;
    pending->first = length == LAST ? detector->decision.longest_first : now - (uint32_t)length;
    pending->last = now;
    pending->reported = reported;
    pending->score = candidate.total / (float)(now - pending->first + 1);
}

/* Report the last event of the best explanation. */
static void report_pending(detector_t *detector, uint32_t now) {
    report(detector, &detector->decision.pending, now);
    detector->decision.pending.exists = 0;
}

/* Make every candidate a window longer, and begin a new one with this window. */
static void lengthen(decision_t *decision, float evidence, float score, uint32_t now) {
    decision_candidate_t *candidates = decision->candidates;
    /* The two longest share a place; the better one stays. */
    if (candidates[LAST - 1].gain > candidates[LAST].gain) {
        candidates[LAST] = candidates[LAST - 1];
        decision->longest_first = now - LAST;
    }
    memmove(candidates + 1, candidates, (LAST - 1) * sizeof candidates[0]);
    candidates[0].gain = -EVENT_COST;
    candidates[0].total = 0.0f;
    candidates[0].before = decision->pending;
    for (int i = 0; i < EVENT_LENGTHS; i++) {
        candidates[i].gain += evidence;
        candidates[i].total += score;
    }
}

void detector_judge(detector_t *detector, int8_t answer) {
    decision_t *decision = &detector->decision;
    const uint32_t now = decision->index++;
    const float score = (float)(answer - OUTPUT_ZERO_POINT) * OUTPUT_SCALE;
    float sum;
    lengthen(decision, EVIDENCE[answer + 128], score, now);
    best_candidate(decision, LENGTH_SURVIVAL, &sum);
    if (sum > 0.0f && !decision->in_progress) {
        decision->reported = now;
        decision->in_progress = 1;
    }
    int best = best_candidate(decision, LENGTH_DENSITY, &sum);
    if (sum > 0.0f) {
        make_pending(detector, best, now);
        for (int i = 0; i < EVENT_LENGTHS; i++) {
            decision->candidates[i].gain -= sum;
        }
    }
    best_candidate(decision, LENGTH_SURVIVAL, &sum);
    const int active = sum > 0.0f;
    if (decision->pending.exists && !active && now - decision->pending.last >= HOLD_OFF) {
        report_pending(detector, now);
    }
    if (!active && !decision->pending.exists) {
        decision->in_progress = 0;
    }
    if (detector->on_score) {
        detector->on_score(detector->context, score, active);
    }
}

void decision_take(detector_t *detector, const int8_t output[OUTPUT_SIZE]) {
    detector_judge(detector, output[0]);
}

void decision_finish(detector_t *detector) {
    float sum;
    const uint32_t now = detector->decision.index - 1;
    const int best = best_candidate(&detector->decision, LENGTH_SURVIVAL, &sum);
    if (sum > 0.0f) {
        make_pending(detector, best, now);
    }
    if (detector->decision.pending.exists) {
        report_pending(detector, now);
    }
}
