/* Helpers of the self-test. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <math.h>
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

#endif
