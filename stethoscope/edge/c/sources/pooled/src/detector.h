/* A detector of anomalies for a stream of sound: feed blocks of PCM of any length, get a verdict per
 * block of BLOCK_SAMPLES samples. No heap; all state is in detector_t. */
#ifndef DETECTOR_H
#define DETECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "pooling.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t start, end; /* in samples since detector_init; they wrap after 74 hours at 16 kHz */
    float score;         /* standard deviations above normal sound; more is more anomalous */
    int machine;         /* index in MACHINE_IDS of the machine that the sound was scored as */
    int anomalous;       /* 1 if the score exceeds THRESHOLD, else 0 */
} detector_verdict_t;

/* Called at the end of every block. */
typedef void (*detector_on_verdict_t)(void *context, const detector_verdict_t *verdict);

typedef union {
    struct {
        float frame[SPECTRUM_SIZE];
        float work[FRAME_SIZE];
    } frontend;
    pooling_t pooling;
} detector_work_t;

typedef struct detector {
    detector_on_verdict_t on_verdict;
    void *context;
    uint32_t start, count;       /* first sample of the block, and how many of it have come */
    int n_pcm, n_frames;         /* samples in pcm, frames in levels */
    int16_t pcm[FRAME_SIZE + 2]; /* the sample before a frame, and what there is of the frame */
    uint8_t levels[BLOCK_FRAMES * MEL_BANDS];
    detector_work_t work;
} detector_t;

/* Begin a stream. on_verdict may be NULL. Returns 0, or another number if detector is NULL. */
int detector_init(detector_t *detector, detector_on_verdict_t on_verdict, void *context);

/* Process the next samples. The call that fills a block also scores it, which takes longer: see
 * MEMORY.md. Returns 0, or another number if a pointer is NULL. */
int detector_feed(detector_t *detector, const int16_t *pcm, size_t count);

/* End the stream. A stream that is shorter than a block, and has MIN_FRAMES frames, gets a verdict;
 * of a longer one, a block that is not full is dropped. The next stream can begin. */
void detector_finish(detector_t *detector);

#ifdef __cplusplus
}
#endif
#endif
