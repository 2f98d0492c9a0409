#include "show.h"

static const char RESULT_COLUMNS[] = "class\tprobability";

/* Print the classes of a clip, a line each, the most probable first. */
static void print_result(const float probabilities[OUTPUT_SIZE]) {
    int shown[OUTPUT_SIZE] = {0};
    for (int place = 0; place < OUTPUT_SIZE; place++) {
        int best = -1;
        for (int k = 0; k < OUTPUT_SIZE; k++) {
            if (!shown[k] && (best < 0 || probabilities[k] > probabilities[best])) {
                best = k;
            }
        }
        shown[best] = 1;
        SHOW("%s", CLASS_LABELS[best]);
        show_score("\t", probabilities[best]);
        SHOW("\n");
    }
}
