/* A small reader of WAV files: PCM of 16 bits at SAMPLE_RATE. */
#ifndef WAV_H
#define WAV_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t wav_number(const unsigned char *bytes, int count) {
    uint32_t number = 0;
    while (count-- > 0) {
        number = number << 8 | bytes[count];
    }
    return number;
}

static uint32_t wav_left; /* bytes of sound that are still to come */

/* Open a file and go to its samples; NULL if it cannot be used. */
static FILE *wav_open(const char *path, int *channels) {
    unsigned char head[16];
    FILE *file = fopen(path, "rb");
    *channels = 0;
    if (!file || fread(head, 1, 12, file) != 12 || memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0) {
        return NULL;
    }
    while (fread(head, 1, 8, file) == 8) {
        uint32_t size = wav_number(head + 4, 4);
        if (memcmp(head, "data", 4) == 0) {
            wav_left = size;
            return *channels ? file : NULL;
        }
        if (memcmp(head, "fmt ", 4) == 0) {
            if (size < 16 || fread(head, 1, 16, file) != 16 || wav_number(head + 14, 2) != 16 || wav_number(head + 4, 4) != SAMPLE_RATE) {
                return NULL;
            }
            *channels = (int)wav_number(head + 2, 2);
            size -= 16;
        }
        if (fseek(file, (long)(size + (size & 1)), SEEK_CUR) != 0) {
            return NULL;
        }
    }
    return NULL;
}

/* Read the first channel's next sample; 0 at the end. */
static int wav_next(FILE *file, int channels, int16_t *sample) {
    unsigned char bytes[2];
    if (wav_left < 2u * (uint32_t)channels || fread(bytes, 1, 2, file) != 2) {
        return 0;
    }
    wav_left -= 2u * (uint32_t)channels;
    *sample = (int16_t)wav_number(bytes, 2);
    return channels == 1 || fseek(file, 2L * (channels - 1), SEEK_CUR) == 0;
}

#endif
