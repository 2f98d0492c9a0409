#include <stdio.h>

#include "detector.h"

static detector_t detector;

/* Called for every block of BLOCK_WINDOWS windows. */
static void on_verdict(void *context, const detector_verdict_t *verdict) {
    (void)context;
    puts(verdict->anomalous ? "anomalous" : "normal");
}

int begin(void) { return detector_init(&detector, NULL, on_verdict, NULL); }

/* Pass all sound of the microphone, in blocks of any length. */
int take_sound(const int16_t *pcm, size_t count) { return detector_feed(&detector, pcm, count); }
