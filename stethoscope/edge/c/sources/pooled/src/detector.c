#include "detector.h"

#include <math.h>
#include <string.h>

#include "frontend.h"

enum { HALF = FRAME_SIZE / 2, READY = FRAME_SIZE + 1 };

static void begin_block(detector_t *detector) {
    detector->start += detector->count;
    detector->count = 0;
    detector->n_pcm = HALF + 1; /* the place before a frame, and what is mirrored into it */
    detector->n_frames = 0;
}

int detector_init(detector_t *detector, detector_on_verdict_t on_verdict, void *context) {
    if (!detector) {
        return 1;
    }
    memset(detector, 0, sizeof *detector);
    detector->on_verdict = on_verdict;
    detector->context = context;
    begin_block(detector);
    return 0;
}

/* Mirror the beginning of a block at its first sample: a frame is centred there. */
static void mirror_beginning(detector_t *detector) {
    int16_t *frame = detector->pcm + 1;
    for (int i = 0; i < HALF; i++) {
        frame[i] = frame[FRAME_SIZE - i];
    }
}

/* Compute the levels of the frame in pcm, and keep the samples that the next one shares with it. */
static void add_frame(detector_t *detector) {
    float *frame = detector->work.frontend.frame;
    uint8_t *levels = detector->levels + detector->n_frames++ * MEL_BANDS;
    frontend_frame(detector->pcm + 1, frame, detector->work.frontend.work);
    for (int band = 0; band < MEL_BANDS; band++) {
        const long step = lrintf((frame[band] - LEVEL_LOWEST) / LEVEL_STEP);
        levels[band] = (uint8_t)(step < 0 ? 0 : step > 255 ? 255 : step);
    }
    detector->n_pcm -= FRAME_STRIDE;
    memmove(detector->pcm, detector->pcm + FRAME_STRIDE,
            (size_t)detector->n_pcm * sizeof detector->pcm[0]);
}

/* Add the frames that reach beyond the last sample, which is mirrored. */
static void add_last_frames(detector_t *detector) {
    const int frames = 1 + (int)(detector->count / FRAME_STRIDE);
    while (detector->n_frames < frames) {
        const int end = detector->n_pcm;
        for (int i = end; i < READY; i++) {
            detector->pcm[i] = detector->pcm[2 * end - 2 - i];
        }
        detector->n_pcm = READY;
        add_frame(detector);
        detector->n_pcm = end - FRAME_STRIDE;
    }
}

static void end_block(detector_t *detector) {
    detector_verdict_t verdict = {detector->start, detector->start + detector->count, 0.0f, 0, 0};
    add_last_frames(detector);
    verdict.score = pooling_score(&detector->work.pooling, detector->levels, detector->n_frames,
                                  &verdict.machine);
    verdict.anomalous = verdict.score > THRESHOLD;
    begin_block(detector);
    if (detector->on_verdict) {
        detector->on_verdict(detector->context, &verdict);
    }
}

/* Return how many samples are missing until something is to be done with them. */
static size_t missing(const detector_t *detector) {
    const size_t block = BLOCK_SAMPLES - detector->count;
    size_t frame = detector->n_pcm < READY ? (size_t)(READY - detector->n_pcm) : 1;
    if (detector->count <= HALF) {
        frame = HALF + 1 - detector->count;
    }
    return frame < block ? frame : block;
}

/* Add samples, at most those that are missing. */
static void add_samples(detector_t *detector, const int16_t *pcm, size_t count) {
    memcpy(detector->pcm + detector->n_pcm, pcm, count * sizeof pcm[0]);
    detector->n_pcm += (int)count;
    detector->count += (uint32_t)count;
    if (detector->count == HALF + 1) {
        mirror_beginning(detector);
    }
    if (detector->count > HALF && detector->n_pcm >= READY) {
        add_frame(detector);
    }
    if (detector->count == BLOCK_SAMPLES) {
        end_block(detector);
    }
}

int detector_feed(detector_t *detector, const int16_t *pcm, size_t count) {
    if (!detector || (!pcm && count)) {
        return 1;
    }
    while (count > 0) {
        const size_t room = missing(detector), taken = count < room ? count : room;
        add_samples(detector, pcm, taken);
        pcm += taken;
        count -= taken;
    }
    return 0;
}

void detector_finish(detector_t *detector) {
    if (!detector) {
        return;
    }
    if (detector->start == 0 && detector->count > HALF &&
        1 + detector->count / FRAME_STRIDE >= MIN_FRAMES) {
        end_block(detector);
    }
    detector->count = 0;
    detector->start = 0;
    begin_block(detector);
}
