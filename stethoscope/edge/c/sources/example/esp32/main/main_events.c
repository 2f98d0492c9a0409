/* Listens to an I2S microphone (such as the INMP441) and logs events. Set the pins to those of your board. */
#include <driver/i2s_std.h>
#include <esp_err.h>
#include <esp_log.h>

#include "detector.h"

enum { PIN_CLOCK = 26, PIN_WORD = 25, PIN_DATA = 33, BLOCK = 256 };

static detector_t detector;
static int32_t raw[BLOCK];
static int16_t pcm[BLOCK];

static void on_event(void *context, const detector_event_t *event) {
    (void)context;
    ESP_LOGI("events", "%.2f s to %.2f s, score %.2f", (double)event->start / SAMPLE_RATE, (double)event->end / SAMPLE_RATE, (double)event->score);
}

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
    if (detector_init(&detector, NULL, on_event, NULL) != 0) {
        ESP_LOGE("events", "the network cannot run");
        return;
    }
    for (;;) {
        size_t bytes = 0;
        ESP_ERROR_CHECK(i2s_channel_read(channel, raw, sizeof raw, &bytes, portMAX_DELAY));
        for (size_t i = 0; i < bytes / sizeof raw[0]; i++) {
            pcm[i] = (int16_t)(raw[i] >> 16);
        }
        if (detector_feed(&detector, pcm, bytes / sizeof raw[0]) != 0) {
            ESP_LOGE("events", "the network failed");
            return;
        }
    }
}
