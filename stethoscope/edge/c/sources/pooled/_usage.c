#include "detector.h"

static detector_t detector;
detector_init(&detector, on_verdict, NULL);
/* Blocks of any length; on_verdict is called for every block of BLOCK_SAMPLES samples. */
detector_feed(&detector, pcm, count);
