#include <stdio.h>

/* Print start and end of a block in seconds, its score, and "anomalous" or "normal". */
static void print_result(void *context, const detector_verdict_t *verdict) {
    (void)context;
    printf("%.4f\t%.4f\t%.4f\t%s\n", (double)verdict->start / SAMPLE_RATE,
           (double)verdict->end / SAMPLE_RATE, (double)verdict->score,
           verdict->anomalous ? "anomalous" : "normal");
}
