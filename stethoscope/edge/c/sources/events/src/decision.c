#include "decision.h"

#include <string.h>

#include "detector.h"

static const float IMPOSSIBLE = -1e9f;

/* What the search for the events of a class works on. */
typedef struct {
    int index;
    int last; /* place of its longest length */
    decision_search_t *search;
    decision_candidate_t *candidates;
    const float *density, *survival; /* logarithms of the probabilities of its lengths */
} class_t;

static class_t class_of(decision_t *decision, int index) {
    const int first = EVENT_FIRST[index];
    const class_t one = {index,
                         EVENT_FIRST[index + 1] - first - 1,
                         decision->searches + index,
                         decision->candidates + first,
                         LENGTH_DENSITY + first,
                         LENGTH_SURVIVAL + first};
    return one;
}

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
static void report(detector_t *detector, const class_t *one, const decision_run_t *run,
                   uint32_t now) {
    const detector_event_t event = {run->first * WINDOW_STEP,
                                    run->last * WINDOW_STEP + WINDOW_SAMPLES,
                                    run->reported * WINDOW_STEP + WINDOW_SAMPLES, run->score,
                                    one->index};
    const uint32_t last = run->last;
    for (int i = 0; i <= one->last; i++) {
        decision_candidate_t *candidate = &one->candidates[i];
        candidate->before.exists = 0;
        if (i == one->last ? !after(one->search->longest_first, last)
                           : (uint32_t)i >= now - last) {
            candidate->gain = IMPOSSIBLE;
        }
    }
    if (detector->on_result) {
        detector->on_result(detector->context, &event);
    }
}

/* Return the candidate with the highest sum of its gain and the logarithm of the probability of
 * its length; write that sum to *sum. */
static int best_candidate(const class_t *one, const float *probability, float *sum) {
    int best = 0;
    *sum = one->candidates[0].gain + probability[0];
    for (int i = 1; i <= one->last; i++) {
        float value = one->candidates[i].gain + probability[i];
        if (value > *sum) {
            *sum = value;
            best = i;
        }
    }
    return best;
}

/* Make a candidate the last event of the best explanation; report the event before it. */
static void make_pending(detector_t *detector, const class_t *one, int length, uint32_t now) {
    decision_run_t *pending = &one->search->pending;
    const decision_candidate_t candidate = one->candidates[length];
    uint32_t reported = pending->exists ? pending->reported : one->search->reported;
    if (candidate.before.exists) {
        report(detector, one, &candidate.before, now);
        reported = now;
    }
    pending->exists = 1;
    pending->first = length == one->last ? one->search->longest_first : now - (uint32_t)length;
    pending->last = now;
    pending->reported = reported;
    pending->score = candidate.total / (float)(now - pending->first + 1);
}

/* Report the last event of the best explanation. */
static void report_pending(detector_t *detector, const class_t *one, uint32_t now) {
    report(detector, one, &one->search->pending, now);
    one->search->pending.exists = 0;
}

/* Make every candidate a window longer, and begin a new one with this window. */
static void lengthen(const class_t *one, float evidence, float score, uint32_t now) {
    decision_candidate_t *candidates = one->candidates;
    const int last = one->last;
    /* The two longest share a place; the better one stays. */
    if (candidates[last - 1].gain > candidates[last].gain) {
        candidates[last] = candidates[last - 1];
        one->search->longest_first = now - (uint32_t)last;
    }
    memmove(candidates + 1, candidates, (size_t)(last - 1) * sizeof candidates[0]);
    candidates[0].gain = -EVENT_COST[one->index];
    candidates[0].total = 0.0f;
    candidates[0].before = one->search->pending;
    for (int i = 0; i <= last; i++) {
        candidates[i].gain += evidence;
        candidates[i].total += score;
    }
}

/* Process the network's answer to a window for a class. */
static void judge(detector_t *detector, const class_t *one, int8_t answer, uint32_t now) {
    decision_search_t *search = one->search;
    const float score = (float)(answer - OUTPUT_ZERO_POINT) * OUTPUT_SCALE;
    float sum;
    lengthen(one, EVIDENCE[256 * one->index + answer + 128], score, now);
    best_candidate(one, one->survival, &sum);
    if (sum > 0.0f && !search->in_progress) {
        search->reported = now;
        search->in_progress = 1;
    }
    int best = best_candidate(one, one->density, &sum);
    if (sum > 0.0f) {
        make_pending(detector, one, best, now);
        for (int i = 0; i <= one->last; i++) {
            one->candidates[i].gain -= sum;
        }
    }
    best_candidate(one, one->survival, &sum);
    const int active = sum > 0.0f;
    if (search->pending.exists && !active && now - search->pending.last >= HOLD_OFF) {
        report_pending(detector, one, now);
    }
    if (!active && !search->pending.exists) {
        search->in_progress = 0;
    }
    if (detector->on_score) {
        detector->on_score(detector->context, score, active);
    }
}

void decision_take(detector_t *detector, const int8_t output[OUTPUT_SIZE]) {
    const uint32_t now = detector->decision.index++;
    for (int i = 0; i < OUTPUT_SIZE; i++) {
        const class_t one = class_of(&detector->decision, i);
        judge(detector, &one, output[i], now);
    }
}

void decision_finish(detector_t *detector) {
    const uint32_t now = detector->decision.index - 1;
    for (int i = 0; i < OUTPUT_SIZE; i++) {
        float sum;
        const class_t one = class_of(&detector->decision, i);
        const int best = best_candidate(&one, one.survival, &sum);
        if (sum > 0.0f) {
            make_pending(detector, &one, best, now);
        }
        if (one.search->pending.exists) {
            report_pending(detector, &one, now);
        }
    }
}
