#include <stdio.h>

#include "detector.h"

static detector_t detector;

/* Called when an event is over. Times are in samples. */
static void on_event(void *context, const detector_event_t *event) {
    (void)context;
    printf("%s at %lu s\n", CLASS_LABELS[event->class_index],
           (unsigned long)(event->start / SAMPLE_RATE));
}

int begin(void) { return detector_init(&detector, NULL, on_event, NULL); }

/* Pass all sound of the microphone, in blocks of any length. */
int take_sound(const int16_t *pcm, size_t count) { return detector_feed(&detector, pcm, count); }
