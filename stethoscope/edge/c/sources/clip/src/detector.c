#include "detector.h"

#include "decision.h"
#include "frontend.h"
#include "network.h"

int detector_init(detector_t *detector) {
    return detector ? network_init(&detector->network) : 1;
}

static size_t frame_count(size_t count) { return 1 + count / FRAME_STRIDE; }

/* Compute the bands of a frame. Samples before and after the clip are zeros. */
static void compute_bands(detector_t *detector, const int16_t *pcm, size_t count, size_t index) {
    for (size_t i = 0; i < FRAME_SIZE; i++) {
        size_t at = index * FRAME_STRIDE + i; /* counted from half a frame before the clip */
        int inside = at >= FRAME_SIZE / 2 && at - FRAME_SIZE / 2 < count;
        detector->pcm[i] = inside ? pcm[at - FRAME_SIZE / 2] : 0;
    }
    frontend_bands(detector->pcm, detector->bands, detector->work);
}

float detector_floor(detector_t *detector, const int16_t *pcm, size_t count) {
    float loudest = -1e9f;
    for (size_t index = 0; index < frame_count(count); index++) {
        compute_bands(detector, pcm, count, index);
        for (int band = 0; band < MEL_BANDS; band++) {
            loudest = detector->bands[band] > loudest ? detector->bands[band] : loudest;
        }
    }
    return loudest - DYNAMIC_DB > LEAST_DB ? loudest - DYNAMIC_DB : LEAST_DB;
}

void detector_frame(detector_t *detector, const int16_t *pcm, size_t count, size_t index,
                    float floor) {
    compute_bands(detector, pcm, count, index);
    frontend_values(detector->bands, floor, detector->frame);
}

static size_t smaller(size_t one, size_t other) { return one < other ? one : other; }

/* Return the frame at a place of the window of a clip that is shorter. The frames so far are
 * followed by their end, as long as the rest of the window or all of them, until it is full. */
static size_t extended(size_t place, size_t frames) {
    while (place >= frames) {
        size_t length = frames, more = smaller(WINDOW_SIZE - length, length);
        while (length + more <= place) {
            length += more;
            more = smaller(WINDOW_SIZE - length, length);
        }
        place -= more;
    }
    return place;
}

/* Return the first frame of a window. Windows are evenly spaced from start to end of the clip. */
static size_t window_start(size_t window, size_t windows, size_t frames) {
    if (windows == 1) {
        return 0;
    }
    const size_t place = window * (frames - WINDOW_SIZE), steps = windows - 1;
    const size_t below = place / steps, twice = 2 * (place % steps);
    /* The nearest frame, halves to the even one. */
    return twice > steps || (twice == steps && below % 2) ? below + 1 : below;
}

/* Compute and quantise the frames of a window. */
static void fill_window(detector_t *detector, const int16_t *pcm, size_t count, size_t start,
                        float floor) {
    const size_t frames = frame_count(count);
    for (size_t i = 0; i < WINDOW_SIZE; i++) {
        size_t index = frames < WINDOW_SIZE ? extended(i, frames) : start + i;
        detector_frame(detector, pcm, count, index, floor);
        for (size_t k = 0; k < SPECTRUM_SIZE; k++) {
            float value = (detector->frame[k] - SPECTRUM_MEANS[k]) / SPECTRUM_STDS[k];
            detector->input[i * SPECTRUM_SIZE + k] = network_quantise(value);
        }
    }
}

int detector_classify(detector_t *detector, const int16_t *pcm, size_t count,
                      float probabilities[OUTPUT_SIZE]) {
    if (!detector || !pcm || !probabilities || count == 0) {
        return 1;
    }
    const size_t frames = frame_count(count);
    const size_t windows = (frames + WINDOW_SIZE - 1) / WINDOW_SIZE;
    const float floor = detector_floor(detector, pcm, count);
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        probabilities[k] = 0.0f;
    }
    for (size_t window = 0; window < windows; window++) {
        fill_window(detector, pcm, count, window_start(window, windows, frames), floor);
        int failed = network_run(&detector->network, detector->input, detector->output);
        if (failed) {
            return failed;
        }
        decision_add(detector->output, probabilities);
    }
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        probabilities[k] /= (float)windows;
    }
    return 0;
}
