/* Records clips from an I2S microphone (such as the INMP441) and logs what they sound like. Set the pins to those of your board. The clip
 * takes 2 * CLIP_SAMPLES bytes: on a board with PSRAM allow .bss there (CONFIG_SPIRAM_ALLOW_BSS_SEG_EXTERNAL_MEMORY). */
#include <driver/i2s_std.h>
#include <esp_attr.h>
#include <esp_err.h>
#include <esp_log.h>

#include "detector.h"

enum { PIN_CLOCK = 26, PIN_WORD = 25, PIN_DATA = 33, BLOCK = 256 };

#ifndef EXT_RAM_BSS_ATTR
#define EXT_RAM_BSS_ATTR
#endif

static detector_t detector;
static int32_t raw[BLOCK];
EXT_RAM_BSS_ATTR static int16_t clip[CLIP_SAMPLES];

void app_main(void) {
    i2s_chan_handle_t channel;
    i2s_chan_config_t setup = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_AUTO, I2S_ROLE_MASTER);
    i2s_std_config_t config = {
        .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(SAMPLE_RATE),
        .slot_cfg = I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_32BIT, I2S_SLOT_MODE_MONO),
        .gpio_cfg = {.mclk = I2S_GPIO_UNUSED, .bclk = PIN_CLOCK, .ws = PIN_WORD, .dout = I2S_GPIO_UNUSED, .din = PIN_DATA},
    };
    ESP_ERROR_CHECK(i2s_new_channel(&setup, NULL, &channel));
    ESP_ERROR_CHECK(i2s_channel_init_std_mode(channel, &config));
    ESP_ERROR_CHECK(i2s_channel_enable(channel));
    if (detector_init(&detector) != 0) {
        ESP_LOGE("classes", "the network cannot run");
        return;
    }
    for (;;) {
        for (size_t length = 0; length < CLIP_SAMPLES;) {
            size_t bytes = 0, room = CLIP_SAMPLES - length < BLOCK ? CLIP_SAMPLES - length : BLOCK;
            ESP_ERROR_CHECK(i2s_channel_read(channel, raw, room * sizeof raw[0], &bytes, portMAX_DELAY));
            for (size_t i = 0; i < bytes / sizeof raw[0]; i++) {
                clip[length++] = (int16_t)(raw[i] >> 16);
            }
        }
        float probabilities[OUTPUT_SIZE];
        if (detector_classify(&detector, clip, CLIP_SAMPLES, probabilities) != 0) {
            ESP_LOGE("classes", "the network failed");
            return;
        }
        int best = 0;
        for (int k = 1; k < OUTPUT_SIZE; k++) {
            best = probabilities[k] > probabilities[best] ? k : best;
        }
        ESP_LOGI("classes", "%s, %.2f", CLASS_LABELS[best], (double)probabilities[best]);
    }
}
