/* Feeds the detector with sound and prints results. The source of the sound, wav.h or
 * microphone.h, is included before. */
#include "detector.h"
#include "result.h"

/* Run until the sound ends. Returns NULL, or what failed. */
static const char *run(void) {
    static detector_t detector;
    static int16_t pcm[256];
    size_t count;
    show_heading(RESULT_COLUMNS);
    if (detector_init(&detector, print_result, NULL)) {
        return "the detector cannot begin";
    }
    while ((count = sound_read(pcm, sizeof pcm / sizeof pcm[0])) > 0) {
        detector_feed(&detector, pcm, count);
    }
    detector_finish(&detector);
    return NULL;
}
