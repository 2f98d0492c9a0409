/* Sound from an I2S microphone of an ESP32, such as the INMP441. A task collects it, so that nothing
 * is lost while the network computes. Set the pins to those of your board, and MICROPHONE_GAIN. */
#ifndef MICROPHONE_H
#define MICROPHONE_H

#include <driver/i2s_std.h>
#include <esp_attr.h>
#include <esp_err.h>
#include <esp_log.h>
#include <freertos/FreeRTOS.h>
#include <freertos/stream_buffer.h>
#include <freertos/task.h>

#include "gain.h"
#include "model.h"

enum { PIN_CLOCK = 26, PIN_WORD = 25, PIN_DATA = 33 };
enum { MICROPHONE_BLOCK = 256, MICROPHONE_BUFFER = SAMPLE_RATE, MICROPHONE_STACK = 4096 };

static i2s_chan_handle_t microphone;
static StreamBufferHandle_t microphone_buffer;
static volatile uint32_t microphone_lost; /* samples for which the buffer had no room */

static void microphone_collect(void *unused) {
    static int32_t raw[MICROPHONE_BLOCK];
    static int16_t pcm[MICROPHONE_BLOCK];
    (void)unused;
    for (;;) {
        size_t bytes = 0;
        ESP_ERROR_CHECK(i2s_channel_read(microphone, raw, sizeof raw, &bytes, portMAX_DELAY));
        const size_t count = bytes / sizeof raw[0];
        for (size_t i = 0; i < count; i++) {
            pcm[i] = amplified(raw[i]);
        }
        const size_t sent = xStreamBufferSend(microphone_buffer, pcm, count * sizeof pcm[0], 0);
        microphone_lost = microphone_lost + (uint32_t)(count - sent / sizeof pcm[0]);
    }
}

static void microphone_open(void) {
    i2s_chan_config_t channel = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_AUTO, I2S_ROLE_MASTER);
    i2s_std_config_t config = {
        .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(SAMPLE_RATE),
        .slot_cfg = I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_32BIT,
                                                        I2S_SLOT_MODE_MONO),
        .gpio_cfg = {.mclk = I2S_GPIO_UNUSED,
                     .bclk = (gpio_num_t)PIN_CLOCK,
                     .ws = (gpio_num_t)PIN_WORD,
                     .dout = I2S_GPIO_UNUSED,
                     .din = (gpio_num_t)PIN_DATA},
    };
    /* On newer chips than the ESP32 and ESP32-S2 the default is both slots, also for mono. */
    config.slot_cfg.slot_mask = I2S_STD_SLOT_LEFT;
    microphone_buffer = xStreamBufferCreate(MICROPHONE_BUFFER * sizeof(int16_t), 1);
    ESP_ERROR_CHECK(microphone_buffer ? ESP_OK : ESP_ERR_NO_MEM);
    ESP_ERROR_CHECK(i2s_new_channel(&channel, NULL, &microphone));
    ESP_ERROR_CHECK(i2s_channel_init_std_mode(microphone, &config));
    ESP_ERROR_CHECK(i2s_channel_enable(microphone));
    xTaskCreate(microphone_collect, "microphone", MICROPHONE_STACK, NULL, configMAX_PRIORITIES - 2,
                NULL);
}

/* Wait for the next samples. Returns their number; a microphone has no end. */
static size_t sound_read(int16_t *pcm, size_t count) {
    if (microphone_lost) {
        ESP_LOGW("microphone", "%lu samples lost: the network takes too long",
                 (unsigned long)microphone_lost);
        microphone_lost = 0;
    }
    return xStreamBufferReceive(microphone_buffer, pcm, count * sizeof pcm[0], portMAX_DELAY) /
           sizeof pcm[0];
}

/* On a board with PSRAM allow .bss there (CONFIG_SPIRAM_ALLOW_BSS_SEG_EXTERNAL_MEMORY). */
#ifdef EXT_RAM_BSS_ATTR
#define CLIP_MEMORY EXT_RAM_BSS_ATTR
#endif
#include "clip.h"

#endif
