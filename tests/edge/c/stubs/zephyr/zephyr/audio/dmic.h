/* The part of Zephyr's interface of digital microphones that the example uses. The sound is that of
 * the standard input, 16 bits; at its end the microphone fails. With STUB_STOPS_AT it stops before
 * this block, until it is started again. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "zephyr/device.h"
#include "zephyr/kernel.h"

enum pdm_lr { PDM_CHAN_LEFT, PDM_CHAN_RIGHT };
enum dmic_trigger { DMIC_TRIGGER_STOP, DMIC_TRIGGER_START };
struct pcm_stream_cfg {
    uint32_t pcm_rate;
    uint8_t pcm_width;
    uint16_t block_size;
    struct k_mem_slab *mem_slab;
};
struct dmic_cfg {
    struct {
        uint32_t min_pdm_clk_freq, max_pdm_clk_freq;
        uint8_t min_pdm_clk_dc, max_pdm_clk_dc;
    } io;
    struct pcm_stream_cfg *streams;
    struct {
        uint32_t req_chan_map_lo, req_chan_map_hi;
        uint8_t req_num_chan, req_num_streams;
    } channel;
};

static struct pcm_stream_cfg stub_stream;
static int stub_runs, stub_blocks;

#ifndef STUB_STOPS_AT
#define STUB_STOPS_AT -1
#endif

static inline uint32_t dmic_build_channel_map(uint8_t channel, uint8_t pdm, enum pdm_lr side) {
    return ((uint32_t)(pdm & 7u) << 1 | side) << (channel * 4u);
}

static inline int dmic_configure(const struct device *device, struct dmic_cfg *config) {
    (void)device;
    stub_stream = config->streams[0];
    return 0;
}

static inline int dmic_trigger(const struct device *device, enum dmic_trigger trigger) {
    (void)device;
    stub_runs = trigger == DMIC_TRIGGER_START;
    return 0;
}

static inline int dmic_read(const struct device *device, uint8_t stream, void **buffer,
                            size_t *size, int32_t timeout) {
    (void)device;
    (void)stream;
    (void)timeout;
    if (stub_blocks++ == STUB_STOPS_AT) {
        stub_runs = 0;
    }
    if (!stub_runs) {
        return -11;
    }
    *buffer = stub_stream.mem_slab->memory;
    *size = fread(*buffer, 1, stub_stream.block_size, stdin);
    return *size ? 0 : -11;
}
