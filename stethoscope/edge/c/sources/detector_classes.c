#include "detector.h"

#include <math.h>

#include "frontend.h"
#include "network.h"

int detector_init(detector_t *detector) {
    (void)detector;
    return network_init();
}

static size_t frames_of(size_t count) { return 1 + count / FRAME_STRIDE; }

/* Compute the bands of a frame; beyond its ends the clip is silent. */
static void bands_of(detector_t *detector, const int16_t *pcm, size_t count, size_t index) {
    for (size_t i = 0; i < FRAME_SIZE; i++) {
        size_t at = index * FRAME_STRIDE + i;
        detector->pcm[i] = at >= FRAME_SIZE / 2 && at - FRAME_SIZE / 2 < count ? pcm[at - FRAME_SIZE / 2] : 0;
    }
    frontend_bands(detector->pcm, detector->bands, detector->work);
}

float detector_floor(detector_t *detector, const int16_t *pcm, size_t count) {
    float loudest = -1e9f;
    for (size_t index = 0; index < frames_of(count); index++) {
        bands_of(detector, pcm, count, index);
        for (int band = 0; band < MEL_BANDS; band++) {
            loudest = detector->bands[band] > loudest ? detector->bands[band] : loudest;
        }
    }
    return loudest - DYNAMIC_DB > LEAST_DB ? loudest - DYNAMIC_DB : LEAST_DB;
}

void detector_frame(detector_t *detector, const int16_t *pcm, size_t count, size_t index, float floor) {
    bands_of(detector, pcm, count, index);
    frontend_values(detector->bands, floor, detector->frame);
}

/* Return which frame stands at a place of a window behind the end of a clip: the clip's end is repeated, again and again. */
static size_t repeated(size_t place, size_t frames) {
    while (place >= frames) {
        size_t length = frames, more = frames;
        while (length + more <= place) {
            length += more;
            more = WINDOW_SIZE - length < length ? WINDOW_SIZE - length : length;
        }
        more = WINDOW_SIZE - length < length ? WINDOW_SIZE - length : length;
        place -= more;
    }
    return place;
}

static void add_softmax(const int8_t output[OUTPUT_SIZE], float probabilities[OUTPUT_SIZE]) {
    float exponentials[OUTPUT_SIZE], total = 0.0f;
    int most = output[0];
    for (int k = 1; k < OUTPUT_SIZE; k++) {
        most = output[k] > most ? output[k] : most;
    }
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        exponentials[k] = expf((float)(output[k] - most) * OUTPUT_SCALE);
        total += exponentials[k];
    }
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        probabilities[k] += exponentials[k] / total;
    }
}

int detector_classify(detector_t *detector, const int16_t *pcm, size_t count, float probabilities[OUTPUT_SIZE]) {
    if (count == 0) {
        return 1;
    }
    const size_t frames = frames_of(count), windows = (frames + WINDOW_SIZE - 1) / WINDOW_SIZE;
    const float floor = detector_floor(detector, pcm, count);
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        probabilities[k] = 0.0f;
    }
    for (size_t window = 0; window < windows; window++) {
        size_t start = windows > 1 ? (size_t)rint((double)window * (double)(frames - WINDOW_SIZE) / (double)(windows - 1)) : 0;
        for (size_t i = 0; i < WINDOW_SIZE; i++) {
            detector_frame(detector, pcm, count, frames < WINDOW_SIZE ? repeated(i, frames) : start + i, floor);
            for (size_t k = 0; k < SPECTRUM_SIZE; k++) {
                long step = lrintf((detector->frame[k] - SPECTRUM_MEANS[k]) / SPECTRUM_STDS[k] / INPUT_SCALE) + INPUT_ZERO_POINT;
                detector->input[i * SPECTRUM_SIZE + k] = (int8_t)(step < -128 ? -128 : step > 127 ? 127 : step);
            }
        }
        int failed = network_run(detector->input, detector->output);
        if (failed) {
            return failed;
        }
        add_softmax(detector->output, probabilities);
    }
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        probabilities[k] /= (float)windows;
    }
    return 0;
}
