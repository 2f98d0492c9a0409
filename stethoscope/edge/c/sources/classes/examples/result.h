#include "show.h"

/* Print label and probability of every class, a line each. */
static void print_result(const float probabilities[OUTPUT_SIZE]) {
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        SHOW("%s", CLASS_LABELS[k]);
        show_score("\t", probabilities[k]);
        SHOW("\n");
    }
}
