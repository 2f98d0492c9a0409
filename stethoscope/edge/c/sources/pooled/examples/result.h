#include "show.h"

static const char RESULT_COLUMNS[] = "start s\tend s\tscore\tverdict\tmachine";

/* Print a block's verdict, and the id of the machine that it was scored as. */
static void print_result(void *context, const detector_verdict_t *verdict) {
    (void)context;
    show_seconds(verdict->start);
    show_seconds(verdict->end);
    show_score("", verdict->score);
    SHOW("\t%s\t%s\n", verdict->anomalous ? "anomalous" : "normal",
         MACHINE_IDS[verdict->machine]);
}
