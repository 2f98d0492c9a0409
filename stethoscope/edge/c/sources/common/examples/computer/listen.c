/* Runs the detector on a WAV file, mono or the first channel, 16 bits: listen FILE.wav.
 * Prints a line per result. The names of the columns go to the standard error. */
#include <stdio.h>

#define SHOW_HEADING(...) fprintf(stderr, __VA_ARGS__)

#include "wav.h"

#include "run.h"

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: listen FILE.wav\n");
        return 2;
    }
    if (wav_open(arguments[1])) {
        fprintf(stderr, "%s: no WAV file of PCM with 16 bits at %d Hz\n", arguments[1], SAMPLE_RATE);
        return 2;
    }
    const char *failure = run();
    fclose(wav_file);
    if (failure) {
        fprintf(stderr, "%s\n", failure);
        return 1;
    }
    return 0;
}
