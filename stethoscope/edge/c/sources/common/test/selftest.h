/* Helpers of the self-test. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>

static int failures;

static void expect(int holds, const char *message) {
    if (!holds) {
        printf("FAILED: %s\n", message);
        failures++;
    }
}

/* Return the larger of a difference so far and that of two values. */
static float worse(float worst, float value, float expected) {
    float difference = fabsf(value - expected);
    return difference > worst ? difference : worst;
}

static uint32_t crc32(const unsigned char *bytes, uint32_t count) {
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1u ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
        }
    }
    return ~crc;
}

#endif
