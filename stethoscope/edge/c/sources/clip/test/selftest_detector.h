/* The part of the self-test for classifiers of clips. */
static detector_t detector;

static const float *compute_frame(size_t index) {
    static float floor;
    if (index == 0) {
        floor = detector_floor(&detector, GOLDEN_PCM, GOLDEN_SAMPLES);
    }
    detector_frame(&detector, GOLDEN_PCM, GOLDEN_SAMPLES, index, floor);
    return detector.frame;
}

/* Return the largest difference of the probabilities. */
static float check_detector(void) {
    float probabilities[OUTPUT_SIZE], worst = 0.0f;
    expect(detector_init(&detector) == 0, "the detector cannot begin");
    expect(detector_classify(&detector, GOLDEN_PCM, GOLDEN_SAMPLES, probabilities) == 0,
           "the detector failed");
    for (int k = 0; k < OUTPUT_SIZE; k++) {
        worst = worse(worst, probabilities[k], GOLDEN_SCORE[k]);
    }
    expect(worst <= SCORE_TOLERANCE, "the scores differ");
    return worst;
}
