/* Checks that this build computes what the training code computed, from the golden vectors in
 * golden.c. Prints what differs, and returns 1 if anything does. */
#include "detector.h"
#include "golden.h"
#include "selftest.h"

/* A compiler stops here if detector_t is larger than MEMORY.md states. */
typedef char detector_t_has_the_stated_size[sizeof(detector_t) <= DETECTOR_BYTES ? 1 : -1];

static detector_t detector;
static int n_verdicts;
static float worst_score;

static float worst_of(const float *values, const float *golden, int count, float worst) {
    for (int i = 0; i < count; i++) {
        worst = worse(worst, values[i], golden[i]);
    }
    return worst;
}

/* Return the largest difference of the views and of the score, from golden levels. */
static float check_pooling(void) {
    pooling_t *pooling = &detector.work.pooling;
    const float *golden = GOLDEN_VIEW;
    int machine = -1;
    const float score = pooling_score(pooling, GOLDEN_LEVEL, GOLDEN_FRAMES, &machine);
    float worst = worst_of(pooling->steady, golden, COARSE_BANDS, 0.0f);
    worst = worst_of(pooling->events, golden += COARSE_BANDS, COARSE_BANDS, worst);
    worst = worst_of(pooling->modulation, golden += COARSE_BANDS, MODULATION_SIZE, worst);
    worst = worst_of(pooling->rhythm, golden + MODULATION_SIZE, RHYTHM_SIZE, worst);
    expect(worst <= VIEW_TOLERANCE, "the views differ");
    worst_score = worse(0.0f, score, GOLDEN_SCORE[0]);
    expect(worst_score <= VIEW_TOLERANCE, "the score of the golden levels differs");
    expect(machine == GOLDEN_MACHINE, "the sound was scored as another machine");
    return worst;
}

static void compare_verdict(void *context, const detector_verdict_t *verdict) {
    (void)context;
    n_verdicts++;
    worst_score = worse(worst_score, verdict->score, GOLDEN_SCORE[0]);
    expect(verdict->end == GOLDEN_SAMPLES, "the end of the sound differs");
    expect(verdict->anomalous == (GOLDEN_SCORE[0] > THRESHOLD), "the verdict differs");
}

/* Return the largest difference of the levels, in steps. */
static int check_detector(void) {
    int worst = 0;
    expect(detector_init(&detector, compare_verdict, NULL) == 0, "the detector cannot begin");
    /* In blocks of an odd length, as a driver may deliver them. */
    for (size_t done = 0; done < GOLDEN_SAMPLES; done += 97) {
        const size_t count = GOLDEN_SAMPLES - done < 97 ? GOLDEN_SAMPLES - done : 97;
        expect(detector_feed(&detector, GOLDEN_PCM + done, count) == 0, "the detector failed");
    }
    detector_finish(&detector);
    for (int i = 0; i < GOLDEN_FRAMES * MEL_BANDS; i++) {
        const int step = detector.levels[i] - GOLDEN_LEVEL[i];
        worst = (step < 0 ? -step : step) > worst ? (step < 0 ? -step : step) : worst;
    }
    expect(worst <= 1, "the levels differ");
    expect(n_verdicts == 1, "the number of verdicts differs");
    expect(worst_score <= SCORE_TOLERANCE, "the scores differ");
    return worst;
}

int main(void) {
    expect(crc32((const unsigned char *)FACTORS, sizeof FACTORS) == GOLDEN_CRC,
           "the bytes of the model were changed");
    const float views = check_pooling();
    const int levels = check_detector();
    printf("%s: levels within %d step(s), views within %.1e, scores within %.1e, "
           "detector_t %u bytes\n",
           failures ? "FAILED" : "ok", levels, (double)views, (double)worst_score,
           (unsigned)sizeof(detector_t));
    return failures != 0;
}
