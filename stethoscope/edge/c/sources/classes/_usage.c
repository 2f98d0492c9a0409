#include "detector.h"

static detector_t detector;

int begin(void) { return detector_init(&detector); }

/* Return the most probable class of a clip, of CLASS_LABELS, or -1 if the network failed. The clip
 * may have any length; one of CLIP_SAMPLES samples fills the network's window. */
int classify(const int16_t *clip, size_t count) {
    float probabilities[OUTPUT_SIZE];
    int best = 0;
    if (detector_classify(&detector, clip, count, probabilities)) {
        return -1;
    }
    for (int k = 1; k < OUTPUT_SIZE; k++) {
        best = probabilities[k] > probabilities[best] ? k : best;
    }
    return best;
}
