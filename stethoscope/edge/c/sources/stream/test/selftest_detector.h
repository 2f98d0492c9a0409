/* The part of the self-test for detectors of streams. */
#include "frontend.h"

static const float *compute_frame(size_t index) {
    static float frame[SPECTRUM_SIZE];
    static float work[FRAME_SIZE];
    frontend_frame(GOLDEN_PCM + index * FRAME_STRIDE, frame, work);
    return frame;
}

static int n_scores;
static float worst_score;

static void compare_score(void *context, float score, int active) {
    (void)context;
    (void)active;
    if (n_scores < GOLDEN_SCORES) {
        worst_score = worse(worst_score, score, GOLDEN_SCORE[n_scores]);
    }
    n_scores++;
}

#ifdef GOLDEN_EVENTS
static int n_events, wrong_events;

static void compare_event(void *context, const detector_event_t *event) {
    (void)context;
    const uint32_t *golden = GOLDEN_EVENT + 4 * n_events;
    if (n_events >= GOLDEN_EVENTS || event->start != golden[0] || event->end != golden[1] ||
        event->reported_at != golden[2] || (uint32_t)event->class_index != golden[3]) {
        wrong_events++;
    }
    n_events++;
}

static void check_events(detector_t *detector) {
    expect(detector_init(detector, NULL, compare_event, NULL) == 0, "the detector cannot begin");
    for (int i = 0; i < GOLDEN_ANSWERS; i++) {
        decision_take(detector, GOLDEN_ANSWER + i * OUTPUT_SIZE);
    }
    detector_finish(detector);
    expect(n_events == GOLDEN_EVENTS && wrong_events == 0, "the events differ");
}
#endif

/* Return the largest difference of the scores. */
static float check_detector(void) {
    static detector_t detector;
    expect(detector_init(&detector, compare_score, NULL, NULL) == 0, "the detector cannot begin");
    /* In blocks of an odd length, as a driver may deliver them. */
    for (size_t done = 0; done < GOLDEN_SAMPLES; done += 97) {
        const size_t count = GOLDEN_SAMPLES - done < 97 ? GOLDEN_SAMPLES - done : 97;
        expect(detector_feed(&detector, GOLDEN_PCM + done, count) == 0, "the detector failed");
    }
    detector_finish(&detector);
    expect(n_scores == GOLDEN_SCORES, "the number of scores differs");
    expect(worst_score <= SCORE_TOLERANCE, "the scores differ");
#ifdef GOLDEN_EVENTS
    check_events(&detector);
#endif
    return worst_score;
}
