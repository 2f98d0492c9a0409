#include "show.h"

static const char RESULT_COLUMNS[] = "start s\tend s\treported at\tscore\tclass";

/* Print an event: its times, when it could be reported first, its score and its class. */
static void print_result(void *context, const detector_event_t *event) {
    (void)context;
    show_seconds(event->start);
    show_seconds(event->end);
    show_seconds(event->reported_at);
    show_score("", event->score);
    SHOW("\t%s", CLASS_LABELS[event->class_index]);
    SHOW("\n");
}
