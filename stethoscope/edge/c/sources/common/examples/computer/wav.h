/* Sound from a WAV file: the first channel of PCM of 16 bits at SAMPLE_RATE. */
#ifndef WAV_H
#define WAV_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static FILE *wav_file;
static int wav_channels;
static uint32_t wav_left; /* bytes of samples that were not read */

static uint32_t wav_number(const unsigned char *bytes, int count) {
    uint32_t number = 0;
    while (count-- > 0) {
        number = number << 8 | bytes[count];
    }
    return number;
}

/* Read the content of a chunk "fmt ". Returns 1 if the samples can be used, else 0. */
static int wav_read_format(uint32_t size) {
    unsigned char format[16];
    if (size < sizeof format || fread(format, 1, sizeof format, wav_file) != sizeof format) {
        return 0;
    }
    wav_channels = (int)wav_number(format + 2, 2);
    return wav_channels && wav_number(format + 4, 4) == SAMPLE_RATE &&
           wav_number(format + 14, 2) == 16;
}

/* Open a file and go to its samples. Returns 0, or 1 if it cannot be used. */
static int wav_open(const char *path) {
    unsigned char head[12];
    wav_file = fopen(path, "rb");
    if (!wav_file || fread(head, 1, 12, wav_file) != 12 || memcmp(head, "RIFF", 4) != 0 ||
        memcmp(head + 8, "WAVE", 4) != 0) {
        return 1;
    }
    while (fread(head, 1, 8, wav_file) == 8) {
        uint32_t size = wav_number(head + 4, 4);
        if (memcmp(head, "data", 4) == 0) {
            wav_left = size;
            return wav_channels ? 0 : 1;
        }
        if (memcmp(head, "fmt ", 4) == 0) {
            if (!wav_read_format(size)) {
                return 1;
            }
            size -= 16;
        }
        if (fseek(wav_file, (long)(size + (size & 1)), SEEK_CUR) != 0) {
            return 1;
        }
    }
    return 1;
}

/* Read the next samples. Returns their number, 0 at the end. */
static size_t sound_read(int16_t *pcm, size_t count) {
    const uint32_t size = 2u * (uint32_t)wav_channels;
    unsigned char bytes[2];
    size_t done = 0;
    while (done < count && wav_left >= size && fread(bytes, 1, 2, wav_file) == 2) {
        wav_left -= size;
        pcm[done++] = (int16_t)wav_number(bytes, 2);
        if (wav_channels > 1 && fseek(wav_file, 2L * (wav_channels - 1), SEEK_CUR) != 0) {
            wav_left = 0;
        }
    }
    return done;
}

#ifdef CLIP_SAMPLES
/* Return the whole file as a clip, at the second call NULL. *count: 0 if it does not fit into the
 * memory. */
static const int16_t *sound_clip(size_t *count) {
    static int16_t *clip;
    const size_t most = wav_left / (2u * (uint32_t)wav_channels);
    if (clip) {
        free(clip);
        return NULL;
    }
    static int16_t nothing;
    clip = malloc(most * sizeof *clip + 1);
    *count = clip ? sound_read(clip, most) : 0;
    return clip ? clip : &nothing;
}
#endif

#endif
