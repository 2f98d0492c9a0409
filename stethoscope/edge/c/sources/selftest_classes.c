/* Does this build compute what the training code computed? Prints what differs and returns 1 if anything does. */
#include <math.h>
#include <stdio.h>

#include "detector.h"
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

int main(void) {
    static detector_t detector;
    static int8_t answer[OUTPUT_SIZE];
    float probabilities[OUTPUT_SIZE];

    expect(crc32(model_data, model_size) == GOLDEN_CRC, "the model's bytes are not those that were exported");

    float worst = 0.0f;
    const float floor = detector_floor(&detector, GOLDEN_PCM, GOLDEN_SAMPLES);
    for (size_t i = 0; i < GOLDEN_FRAMES; i++) {
        detector_frame(&detector, GOLDEN_PCM, GOLDEN_SAMPLES, i, floor);
        for (size_t k = 0; k < SPECTRUM_SIZE; k++) {
            float difference = fabsf(detector.frame[k] - GOLDEN_FRAME[i * SPECTRUM_SIZE + k]);
            worst = difference > worst ? difference : worst;
        }
    }
    expect(worst <= FRAME_TOLERANCE, "the front end computes other features");

    expect(detector_init(&detector) == 0, "the network cannot run here");
    int steps = 0;
    for (int i = 0; i < GOLDEN_INPUTS; i++) {
        expect(network_run(GOLDEN_INPUT + i * INPUT_SIZE, answer) == 0, "the network failed");
        for (int k = 0; k < OUTPUT_SIZE; k++) {
            int difference = answer[k] - GOLDEN_OUTPUT[i * OUTPUT_SIZE + k];
            steps = difference > steps ? difference : -difference > steps ? -difference : steps;
        }
    }
    expect(steps <= GOLDEN_STEPS, "the network answers otherwise");

    float worst_score = 0.0f;
    expect(detector_classify(&detector, GOLDEN_PCM, GOLDEN_SAMPLES, probabilities) == 0, "the classifier failed");
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        float difference = fabsf(probabilities[k] - GOLDEN_SCORE[k]);
        worst_score = difference > worst_score ? difference : worst_score;
    }
    expect(worst_score <= SCORE_TOLERANCE, "the clip gets other probabilities");

    printf("%s: features within %.1e, network within %d step(s), probabilities within %.1e, detector_t %u bytes\n",
           failures ? "FAILED" : "ok", (double)worst, steps, (double)worst_score, (unsigned)sizeof(detector_t));
    return failures != 0;
}
