#include "show.h"

/* Print start and end of an event in seconds, since when it was known, its score and class. */
static void print_result(void *context, const detector_event_t *event) {
    (void)context;
    show_seconds(event->start);
    show_seconds(event->end);
    show_seconds(event->reported_at);
    show_score("", event->score);
    SHOW("\t%s\n", CLASS_LABELS[event->class_index]);
}
