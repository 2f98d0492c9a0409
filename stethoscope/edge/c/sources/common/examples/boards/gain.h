/* The gain of a microphone. Set it so that sounds are as loud here as in the training recordings:
 * a detector does not know sounds of another level. */
#ifndef GAIN_H
#define GAIN_H

#include <stdint.h>

#ifndef MICROPHONE_GAIN
#define MICROPHONE_GAIN 1
#endif

/* Return a sample of 32 bits, such as an I2S driver gives, as one of 16 bits with the gain. */
static inline int16_t amplified(int32_t raw) {
    const int64_t value = (int64_t)raw * MICROPHONE_GAIN / 65536;
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

#endif
