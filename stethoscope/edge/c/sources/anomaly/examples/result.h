#include "show.h"

/* Print start and end of a block in seconds, its score, and "anomalous" or "normal". */
static void print_result(void *context, const detector_verdict_t *verdict) {
    (void)context;
    show_seconds(verdict->start);
    show_seconds(verdict->end);
    show_score("", verdict->score);
    SHOW("\t%s\n", verdict->anomalous ? "anomalous" : "normal");
}
