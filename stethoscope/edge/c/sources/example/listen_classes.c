/* Tells what a WAV file sounds like, mono or the first channel, 16 bits: listen FILE.wav. Prints label and probability, a line per class. */
#include <stdio.h>
#include <stdlib.h>

#include "detector.h"
#include "wav.h"

int main(int count, char **arguments) {
    static detector_t detector;
    int channels;
    FILE *file = count == 2 ? wav_open(arguments[1], &channels) : NULL;
    if (!file) {
        fprintf(stderr, "usage: listen FILE.wav (PCM, 16 bits, %d Hz)\n", SAMPLE_RATE);
        return 2;
    }
    size_t most = wav_left / (2u * (uint32_t)channels), length = 0;
    int16_t *pcm = malloc(most * sizeof *pcm + 1);
    float probabilities[OUTPUT_SIZE];
    while (pcm && length < most && wav_next(file, channels, pcm + length)) {
        length++;
    }
    fclose(file);
    if (!pcm || detector_init(&detector) || detector_classify(&detector, pcm, length, probabilities)) {
        fprintf(stderr, "the clip cannot be judged\n");
        free(pcm);
        return 1;
    }
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        printf("%s\t%.4f\n", CLASS_LABELS[k], (double)probabilities[k]);
    }
    free(pcm);
    return 0;
}
