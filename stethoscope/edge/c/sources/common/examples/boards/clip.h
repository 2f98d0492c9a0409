/* Clips of a microphone, for models that classify whole clips. */
#ifndef CLIP_H
#define CLIP_H

#ifndef CLIP_MEMORY
#define CLIP_MEMORY
#endif

#ifdef CLIP_SAMPLES
/* Record a clip of CLIP_SAMPLES, which take two bytes each. Returns NULL if the sound ends. */
static const int16_t *sound_clip(size_t *count) {
    CLIP_MEMORY static int16_t clip[CLIP_SAMPLES];
    for (*count = 0; *count < CLIP_SAMPLES;) {
        const size_t taken = sound_read(clip + *count, CLIP_SAMPLES - *count);
        if (!taken) {
            return NULL;
        }
        *count += taken;
    }
    return clip;
}
#endif

#endif
