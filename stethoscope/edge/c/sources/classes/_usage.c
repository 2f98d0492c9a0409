#include "detector.h"

static detector_t detector;
float probabilities[OUTPUT_SIZE];
detector_init(&detector);
/* A whole clip; CLASS_LABELS has the names of the classes. */
detector_classify(&detector, pcm, count, probabilities);
