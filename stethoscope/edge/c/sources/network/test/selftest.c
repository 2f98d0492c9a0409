/* Checks that this build computes what the training code computed, from the golden vectors in
 * golden.c. Prints what differs, and returns 1 if anything does. */
#include "detector.h"
#include "golden.h"
#include "network.h"
#include "selftest.h"
#include "selftest_detector.h"

#ifndef NETWORK_TFLM
/* A compiler stops here if detector_t is larger than MEMORY.md states. */
typedef char detector_t_has_the_stated_size[sizeof(detector_t) <= DETECTOR_BYTES ? 1 : -1];
#endif

/* Return the largest difference of the front end's values. */
static float check_frames(void) {
    float worst = 0.0f;
    for (size_t i = 0; i < GOLDEN_FRAMES; i++) {
        const float *frame = compute_frame(i);
        for (size_t k = 0; k < SPECTRUM_SIZE; k++) {
            worst = worse(worst, frame[k], GOLDEN_FRAME[i * SPECTRUM_SIZE + k]);
        }
    }
    expect(worst <= FRAME_TOLERANCE, "the features differ");
    return worst;
}

/* Return the largest difference of the network's output, in int8 steps. */
static int check_network(void) {
    static network_t network;
    static int8_t output[OUTPUT_SIZE];
    int worst = 0;
    expect(network_init(&network) == 0, "the network cannot run here");
    for (int i = 0; i < GOLDEN_INPUTS; i++) {
        expect(network_run(&network, GOLDEN_INPUT + i * INPUT_SIZE, output) == 0,
               "the network failed");
        for (int k = 0; k < OUTPUT_SIZE; k++) {
            int difference = output[k] - GOLDEN_OUTPUT[i * OUTPUT_SIZE + k];
            difference = difference < 0 ? -difference : difference;
            worst = difference > worst ? difference : worst;
        }
    }
    expect(worst <= GOLDEN_STEPS, "the network's output differs");
    return worst;
}

int main(void) {
    expect(crc32(model_data, model_size) == GOLDEN_CRC, "the bytes of the model were changed");
    const float frames = check_frames();
    const int steps = check_network();
    const float scores = check_detector();
    printf("%s: features within %.1e, network within %d step(s), scores within %.1e, "
           "detector_t %u bytes\n",
           failures ? "FAILED" : "ok", (double)frames, steps, (double)scores,
           (unsigned)sizeof(detector_t));
    return failures != 0;
}
