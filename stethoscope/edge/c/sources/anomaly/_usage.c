#include "detector.h"

static detector_t detector;
detector_init(&detector, NULL, on_verdict, NULL);
/* Blocks of any length; on_verdict is called for every block of windows. */
detector_feed(&detector, pcm, count);
