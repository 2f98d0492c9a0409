/* The part of ESP-IDF's I2S driver that the example uses. The sound is that of the standard input,
 * 16 bits; at its end the program ends. A slot mask that is not set is refused: newer chips than
 * the ESP32 would give both slots. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "freertos/stream_buffer.h"

#define I2S_CHANNEL_DEFAULT_CONFIG(port, role) {port, role}
#define I2S_STD_CLK_DEFAULT_CONFIG(rate) {rate}
#define I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(bits, mode) {bits, mode, I2S_STD_SLOT_BOTH}
#define I2S_GPIO_UNUSED ((gpio_num_t)-1)

typedef enum { GPIO_NUM_0 } gpio_num_t;
enum { I2S_NUM_AUTO, I2S_ROLE_MASTER, I2S_DATA_BIT_WIDTH_32BIT = 32, I2S_SLOT_MODE_MONO = 1 };
enum { I2S_STD_SLOT_LEFT = 1, I2S_STD_SLOT_BOTH = 3 };

typedef void *i2s_chan_handle_t;
typedef struct {
    int port, role;
} i2s_chan_config_t;
typedef struct {
    struct {
        uint32_t rate;
    } clk_cfg;
    struct {
        int bits, mode, slot_mask;
    } slot_cfg;
    struct {
        gpio_num_t mclk, bclk, ws, dout, din;
    } gpio_cfg;
} i2s_std_config_t;

static inline int i2s_new_channel(const i2s_chan_config_t *config, void *sender,
                                  i2s_chan_handle_t *receiver) {
    (void)config;
    (void)sender;
    *receiver = stdin;
    return 0;
}

static inline int i2s_channel_init_std_mode(i2s_chan_handle_t channel,
                                            const i2s_std_config_t *config) {
    (void)channel;
    return config->slot_cfg.slot_mask == I2S_STD_SLOT_LEFT ? 0 : 1;
}

static inline int i2s_channel_enable(i2s_chan_handle_t channel) {
    (void)channel;
    return 0;
}

static inline int i2s_channel_read(i2s_chan_handle_t channel, void *values, size_t size,
                                   size_t *done, uint32_t wait) {
    (void)wait;
    int16_t sample;
    stub_wait_for_room();
    for (*done = 0; *done < size; *done += sizeof(int32_t)) {
        if (fread(&sample, sizeof sample, 1, (FILE *)channel) != 1) {
            fflush(stdout);
            exit(0);
        }
        ((int32_t *)values)[*done / sizeof(int32_t)] = (int32_t)sample * 65536;
    }
    return 0;
}
