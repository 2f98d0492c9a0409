/* Sound from the PDM microphone of an Arduino board, such as the Nano 33 BLE Sense. An interrupt
 * collects it, so that nothing is lost while the network computes. */
#ifndef PDM_MICROPHONE_H
#define PDM_MICROPHONE_H

#include <PDM.h>

#include "gain.h"
#include "model.h"

enum { PDM_BLOCK = 256, PDM_RING = 16384 }; /* a second at 16 kHz */

static int16_t pdm_ring[PDM_RING];
static volatile uint32_t pdm_written, pdm_taken, pdm_lost;

static void pdm_collect(void) {
    static int16_t block[PDM_BLOCK];
    int bytes;
    while ((bytes = PDM.available()) > 0) {
        const int most = (int)sizeof block;
        const int count = PDM.read(block, (size_t)(bytes < most ? bytes : most)) / 2;
        if (count <= 0) {
            return;
        }
        for (int i = 0; i < count; i++) {
            if (pdm_written - pdm_taken == PDM_RING) {
                pdm_lost = pdm_lost + 1;
                continue;
            }
            pdm_ring[pdm_written % PDM_RING] = amplified((int32_t)block[i] * 65536);
            pdm_written = pdm_written + 1;
        }
    }
}

static void microphone_open(void) {
    PDM.onReceive(pdm_collect);
    if (!PDM.begin(1, SAMPLE_RATE)) {
        SHOW("the microphone cannot run at %d Hz\n", SAMPLE_RATE);
    }
}

/* Wait for the next samples. Returns their number; a microphone has no end. */
static size_t sound_read(int16_t *pcm, size_t count) {
    size_t done = 0;
    if (pdm_lost) {
        SHOW("%lu samples lost: the network takes too long\n", (unsigned long)pdm_lost);
        pdm_lost = 0;
    }
    while (pdm_written == pdm_taken) {
        yield();
    }
    while (done < count && pdm_taken != pdm_written) {
        pcm[done++] = pdm_ring[pdm_taken % PDM_RING];
        pdm_taken = pdm_taken + 1;
    }
    return done;
}

#include "clip.h"

#endif
