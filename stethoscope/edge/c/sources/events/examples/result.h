#include <stdio.h>

/* Print start and end of an event in seconds, and its score. */
static void print_result(void *context, const detector_event_t *event) {
    (void)context;
    printf("%.4f\t%.4f\t%.4f\n", (double)event->start / SAMPLE_RATE,
           (double)event->end / SAMPLE_RATE, (double)event->score);
}
