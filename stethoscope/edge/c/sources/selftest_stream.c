/* Does this build compute what the training code computed? Prints what differs and returns 1 if anything does. */
#include <math.h>
#include <stdio.h>

#include "detector.h"
#include "frontend.h"
#include "golden.h"
#include "network.h"

static int failures;

static void expect(int holds, const char *what) {
    if (!holds) {
        printf("FAILED: %s\n", what);
        failures++;
    }
}

static uint32_t crc32(const unsigned char *bytes, uint32_t count) {
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1u ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
        }
    }
    return ~crc;
}

static int n_scores;
static float worst_score;

static void compare_score(void *context, float score, int active) {
    (void)context;
    (void)active;
    if (n_scores < GOLDEN_SCORES) {
        float difference = fabsf(score - GOLDEN_SCORE[n_scores]);
        worst_score = difference > worst_score ? difference : worst_score;
    }
    n_scores++;
}

#ifdef GOLDEN_EVENTS
static int n_events, wrong_events;

static void compare_event(void *context, const detector_event_t *event) {
    (void)context;
    if (n_events >= GOLDEN_EVENTS || event->start != GOLDEN_EVENT[2 * n_events] || event->end != GOLDEN_EVENT[2 * n_events + 1]) {
        wrong_events++;
    }
    n_events++;
}

static void compare_events(detector_t *detector) {
    expect(detector_init(detector, NULL, compare_event, NULL) == 0, "the detector cannot begin");
    for (int i = 0; i < GOLDEN_ANSWERS; i++) {
        detector_judge(detector, GOLDEN_ANSWER[i]);
    }
    detector_finish(detector);
    expect(n_events == GOLDEN_EVENTS && wrong_events == 0, "the same answers give other events");
}
#endif

int main(void) {
    static detector_t detector;
    static float frame[SPECTRUM_SIZE];
    static real_t work[FRAME_SIZE];
    static int8_t answer[OUTPUT_SIZE];

    expect(crc32(model_data, model_size) == GOLDEN_CRC, "the model's bytes are not those that were exported");

    float worst = 0.0f;
    for (int i = 0; i < GOLDEN_FRAMES; i++) {
        frontend_frame(GOLDEN_PCM + i * FRAME_STRIDE, frame, work);
        for (int k = 0; k < SPECTRUM_SIZE; k++) {
            float difference = fabsf(frame[k] - GOLDEN_FRAME[i * SPECTRUM_SIZE + k]);
            worst = difference > worst ? difference : worst;
        }
    }
    expect(worst <= FRAME_TOLERANCE, "the front end computes other features");

    expect(network_init() == 0, "the network cannot run here");
    int steps = 0;
    for (int i = 0; i < GOLDEN_INPUTS; i++) {
        expect(network_run(GOLDEN_INPUT + i * INPUT_SIZE, answer) == 0, "the network failed");
        for (int k = 0; k < OUTPUT_SIZE; k++) {
            int difference = answer[k] - GOLDEN_OUTPUT[i * OUTPUT_SIZE + k];
            steps = difference > steps ? difference : -difference > steps ? -difference : steps;
        }
    }
    expect(steps <= GOLDEN_STEPS, "the network answers otherwise");

    expect(detector_init(&detector, compare_score, NULL, NULL) == 0, "the detector cannot begin");
    /* In blocks of an odd length, as a driver may deliver them. */
    for (int done = 0; done < GOLDEN_SAMPLES; done += 97) {
        int count = GOLDEN_SAMPLES - done < 97 ? GOLDEN_SAMPLES - done : 97;
        expect(detector_feed(&detector, GOLDEN_PCM + done, (size_t)count) == 0, "the detector failed");
    }
    detector_finish(&detector);
    expect(n_scores == GOLDEN_SCORES, "the stream gives another number of scores");
    expect(worst_score <= SCORE_TOLERANCE, "the stream gives other scores");

#ifdef GOLDEN_EVENTS
    compare_events(&detector);
#endif

    printf("%s: features within %.1e, network within %d step(s), scores within %.1e, detector_t %u bytes\n",
           failures ? "FAILED" : "ok", (double)worst, steps, (double)worst_score, (unsigned)sizeof(detector_t));
    return failures != 0;
}
