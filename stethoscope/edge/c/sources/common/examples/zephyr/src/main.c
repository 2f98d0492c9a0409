/* Runs the detector on the sound of a microphone, the device dmic_dev of the device tree, and prints
 * results. The driver collects the sound, so that nothing is lost while the network computes. If it
 * has no room it stops; it is started again then, and a message says so. */
#include <zephyr/audio/dmic.h>
#include <zephyr/device.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "detector.h"
#include "gain.h"

#define SHOW(...) printk(__VA_ARGS__)

/* A driver may queue no more than four blocks: 0.8 s. It fills two others. */
enum { BLOCK_BYTES = 2 * (SAMPLE_RATE / 5), BLOCKS = 7, TIMEOUT_MS = 1000 };

K_MEM_SLAB_DEFINE_STATIC(blocks, BLOCK_BYTES, BLOCKS, 4);

static const struct device *const microphone = DEVICE_DT_GET(DT_NODELABEL(dmic_dev));
static int16_t *block;
static size_t block_left;

/* Start the microphone. Returns 0, or another number if it cannot run. */
static int microphone_open(void) {
    struct pcm_stream_cfg stream = {
        .pcm_rate = SAMPLE_RATE, .pcm_width = 16, .block_size = BLOCK_BYTES, .mem_slab = &blocks};
    struct dmic_cfg config = {
        .io = {.min_pdm_clk_freq = 1000000,
               .max_pdm_clk_freq = 3500000,
               .min_pdm_clk_dc = 40,
               .max_pdm_clk_dc = 60},
        .streams = &stream,
        .channel = {.req_num_streams = 1,
                    .req_num_chan = 1,
                    .req_chan_map_lo = dmic_build_channel_map(0, 0, PDM_CHAN_LEFT)},
    };
    if (!device_is_ready(microphone)) {
        return -1;
    }
    const int failed = dmic_configure(microphone, &config);
    return failed ? failed : dmic_trigger(microphone, DMIC_TRIGGER_START);
}

/* Wait for the next block. Returns 0, or another number if the microphone failed. */
static int next_block(void) {
    static void *buffer;
    size_t size = 0;
    if (buffer) {
        k_mem_slab_free(&blocks, buffer);
        buffer = NULL;
    }
    if (dmic_read(microphone, 0, &buffer, &size, TIMEOUT_MS) < 0) {
        printk("the microphone stopped: sound is lost if the network takes too long\n");
        dmic_trigger(microphone, DMIC_TRIGGER_STOP);
        if (dmic_trigger(microphone, DMIC_TRIGGER_START) < 0 ||
            dmic_read(microphone, 0, &buffer, &size, TIMEOUT_MS) < 0) {
            return 1;
        }
    }
    block = buffer;
    block_left = size / sizeof *block;
    return 0;
}

/* Wait for the next samples. Returns their number, 0 if the microphone failed. */
static size_t sound_read(int16_t *pcm, size_t count) {
    if (!block_left && next_block()) {
        return 0;
    }
    const size_t taken = count < block_left ? count : block_left;
    for (size_t i = 0; i < taken; i++) {
        pcm[i] = amplified((int32_t)*block++ * 65536);
    }
    block_left -= taken;
    return taken;
}

#include "clip.h"
#include "run.h"

int main(void) {
    if (microphone_open()) {
        printk("the microphone cannot run at %d Hz\n", SAMPLE_RATE);
        return 1;
    }
    const char *failure = run();
    printk("%s\n", failure ? failure : "the microphone failed");
    return 1;
}
