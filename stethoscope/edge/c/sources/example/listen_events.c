/* Finds events in a WAV file, mono or the first channel, 16 bits: listen FILE.wav. Prints start, end (seconds) and score. */
#include <stdio.h>

#include "detector.h"
#include "wav.h"

static void print_event(void *context, const detector_event_t *event) {
    (void)context;
    printf("%.4f\t%.4f\t%.4f\n", (double)event->start / SAMPLE_RATE, (double)event->end / SAMPLE_RATE, (double)event->score);
}

int main(int count, char **arguments) {
    static detector_t detector;
    int channels;
    FILE *file = count == 2 ? wav_open(arguments[1], &channels) : NULL;
    if (!file) {
        fprintf(stderr, "usage: listen FILE.wav (PCM, 16 bits, %d Hz)\n", SAMPLE_RATE);
        return 2;
    }
    if (detector_init(&detector, NULL, print_event, NULL)) {
        fprintf(stderr, "the network cannot run\n");
        return 1;
    }
    int16_t sample;
    while (wav_next(file, channels, &sample)) {
        if (detector_feed(&detector, &sample, 1)) {
            fprintf(stderr, "the network failed\n");
            return 1;
        }
    }
    detector_finish(&detector);
    fclose(file);
    return 0;
}
