/* Sound from an I2S microphone, such as the INMP441. Set the pins to those of your board. */
#ifndef MICROPHONE_H
#define MICROPHONE_H

#include <driver/i2s_std.h>
#include <esp_attr.h>
#include <esp_err.h>

#include "model.h"

#ifndef EXT_RAM_BSS_ATTR
#define EXT_RAM_BSS_ATTR
#endif

enum { PIN_CLOCK = 26, PIN_WORD = 25, PIN_DATA = 33, MICROPHONE_BLOCK = 256 };

static i2s_chan_handle_t microphone;

static void microphone_open(void) {
    i2s_chan_config_t channel = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_AUTO, I2S_ROLE_MASTER);
    i2s_std_config_t config = {
        .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(SAMPLE_RATE),
        .slot_cfg = I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_32BIT,
                                                        I2S_SLOT_MODE_MONO),
        .gpio_cfg = {.mclk = I2S_GPIO_UNUSED,
                     .bclk = PIN_CLOCK,
                     .ws = PIN_WORD,
                     .dout = I2S_GPIO_UNUSED,
                     .din = PIN_DATA},
    };
    ESP_ERROR_CHECK(i2s_new_channel(&channel, NULL, &microphone));
    ESP_ERROR_CHECK(i2s_channel_init_std_mode(microphone, &config));
    ESP_ERROR_CHECK(i2s_channel_enable(microphone));
}

/* Wait for the next samples. Returns their number; a microphone has no end. */
static size_t sound_read(int16_t *pcm, size_t count) {
    static int32_t raw[MICROPHONE_BLOCK];
    size_t bytes = 0, most = count < MICROPHONE_BLOCK ? count : MICROPHONE_BLOCK;
    ESP_ERROR_CHECK(
        i2s_channel_read(microphone, raw, most * sizeof raw[0], &bytes, portMAX_DELAY));
    for (size_t i = 0; i < bytes / sizeof raw[0]; i++) {
        pcm[i] = (int16_t)(raw[i] >> 16);
    }
    return bytes / sizeof raw[0];
}

#ifdef CLIP_SAMPLES
/* Record a clip of CLIP_SAMPLES, which take two bytes each. On a board with PSRAM allow .bss there
 * (CONFIG_SPIRAM_ALLOW_BSS_SEG_EXTERNAL_MEMORY). */
static const int16_t *sound_clip(size_t *count) {
    EXT_RAM_BSS_ATTR static int16_t clip[CLIP_SAMPLES];
    for (*count = 0; *count < CLIP_SAMPLES;) {
        *count += sound_read(clip + *count, CLIP_SAMPLES - *count);
    }
    return clip;
}
#endif

#endif
