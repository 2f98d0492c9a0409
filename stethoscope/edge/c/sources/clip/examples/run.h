/* Classifies clips and prints results. The source of the sound, wav.h or microphone.h, is included
 * before. */
#include "detector.h"
#include "result.h"

/* Run until the sound ends. Returns NULL, or what failed. */
static const char *run(void) {
    static detector_t detector;
    float probabilities[OUTPUT_SIZE];
    const int16_t *clip;
    size_t count;
    show_heading(RESULT_COLUMNS);
    if (detector_init(&detector)) {
        return "the network cannot run here";
    }
    for (int clips = 0; (clip = sound_clip(&count)) != NULL; clips++) {
        if (clips) {
            SHOW("\n");
        }
        if (detector_classify(&detector, clip, count, probabilities)) {
            return "the clip cannot be classified";
        }
        print_result(probabilities);
    }
    return NULL;
}
