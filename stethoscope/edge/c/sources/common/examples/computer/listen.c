/* Runs the detector on a WAV file, mono or the first channel, 16 bits: listen FILE.wav.
 * Prints a line per result; result.h has the columns. */
#include "wav.h"

#include "run.h"

int main(int count, char **arguments) {
    if (count != 2 || wav_open(arguments[1])) {
        fprintf(stderr, "usage: listen FILE.wav (PCM, 16 bits, %d Hz)\n", SAMPLE_RATE);
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
