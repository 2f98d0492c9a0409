#include "detector.h"

static detector_t detector;
detector_init(&detector, NULL, on_event, NULL);
/* Blocks of any length; on_event is called when an event is over. */
detector_feed(&detector, pcm, count);
detector_finish(&detector);
