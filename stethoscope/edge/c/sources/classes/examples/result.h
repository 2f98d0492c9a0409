#include <stdio.h>

/* Print label and probability of every class, a line each. */
static void print_result(const float probabilities[OUTPUT_SIZE]) {
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        printf("%s\t%.4f\n", CLASS_LABELS[k], (double)probabilities[k]);
    }
}
