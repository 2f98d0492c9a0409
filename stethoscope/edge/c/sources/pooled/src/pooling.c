#include "pooling.h"

#include <math.h>
#include <string.h>

static const float TWO_PI = 6.28318531f;
static const float LEAST_POWER = 1e-9f; /* dB^2, so that a silent band has no rhythm */
static const float LEAST_DISTANCE = 1e-12f;
static const float ONE_BY_E = 0.367879441f;

enum { REACH = 6 }; /* rhythms beside the nearest that a line counts for; the next is exp(-24) */

/* Return the number of columns in a group; the first groups are larger by one where it does not
 * come out even. */
static int group_size(int columns, int groups, int index) {
    return columns / groups + (index < columns % groups);
}

/* Reorder values so that the lowest ones come first: Hoare's selection. */
static void select_lowest(float *values, int count, int wanted) {
    const int at = wanted - 1;
    int low = 0, high = count - 1;
    while (low < high) {
        const float pivot = values[at];
        int i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) {
                i++;
            }
            while (pivot < values[j]) {
                j--;
            }
            if (i <= j) {
                const float value = values[i];
                values[i++] = values[j];
                values[j--] = value;
            }
        }
        low = j < at ? i : low;
        high = at < i ? j : high;
    }
}

/* Sort values, the largest first. */
static void sort_down(float *values, int count) {
    for (int i = 1; i < count; i++) {
        const float value = values[i];
        int j = i;
        for (; j > 0 && values[j - 1] < value; j--) {
            values[j] = values[j - 1];
        }
        values[j] = value;
    }
}

/* Return the mean of the lowest values; they are reordered. */
static float mean_of_lowest(float *values, int count) {
    const int wanted = (int)lrintf(QUIET_SHARE * (float)count) > 1
                           ? (int)lrintf(QUIET_SHARE * (float)count)
                           : 1;
    float total = 0.0f;
    select_lowest(values, count, wanted);
    for (int i = 0; i < wanted; i++) {
        total += values[i];
    }
    return total / (float)wanted;
}

/* Return the median; the values are reordered. */
static float median(float *values, int count) {
    const int middle = count / 2;
    select_lowest(values, count, middle + 1);
    if (count % 2) {
        return values[middle];
    }
    float below = values[0];
    for (int i = 1; i < middle; i++) {
        below = values[i] > below ? values[i] : below;
    }
    return (below + values[middle]) / 2.0f;
}

/* Return the mean over the whole segments of their values, ranked and weighted by rank. Each
 * segment is sorted. */
static float mean_of_ranked(float *values, int count, int length) {
    const int segments = count / length;
    float weights = 0.0f, total = 0.0f;
    for (int segment = 0; segment < segments; segment++) {
        float weight = 1.0f;
        sort_down(values + segment * length, length);
        weights = 0.0f;
        for (int rank = 0; rank < length; rank++) {
            total += weight * values[segment * length + rank];
            weights += weight;
            weight *= RANK_WEIGHT;
        }
    }
    return total / weights / (float)segments;
}

static int segment_length(int n_frames) {
    return n_frames < SEGMENT_FRAMES ? n_frames : SEGMENT_FRAMES;
}

/* Compute the quietest frames and the events of every coarse band. Returns the level of the
 * block. */
static float pool_coarse(pooling_t *pooling, const uint8_t *levels, int n_frames) {
    float level = 0.0f;
    for (int coarse = 0, band = 0; coarse < COARSE_BANDS; coarse++) {
        const int size = group_size(MEL_BANDS, COARSE_BANDS, coarse);
        for (int frame = 0; frame < n_frames; frame++) {
            int sum = 0;
            for (int k = 0; k < size; k++) {
                sum += levels[frame * MEL_BANDS + band + k];
            }
            pooling->column[frame] = LEVEL_LOWEST + LEVEL_STEP * (float)sum / (float)size;
        }
        band += size;
        pooling->events[coarse] =
            mean_of_ranked(pooling->column, n_frames, segment_length(n_frames));
        pooling->steady[coarse] = mean_of_lowest(pooling->column, n_frames);
        level += pooling->steady[coarse] / COARSE_BANDS;
    }
    for (int coarse = 0; coarse < COARSE_BANDS; coarse++) {
        pooling->events[coarse] -= level;
        pooling->steady[coarse] -= level;
    }
    return level;
}

/* Add the levels of some frames, by `sign` 1 or -1, to the sums of the coarse bands. */
static void add_frames(int32_t sums[COARSE_BANDS], const uint8_t *levels, int count, int sign) {
    for (int frame = 0; frame < count; frame++) {
        for (int coarse = 0; coarse < COARSE_BANDS; coarse++) {
            const int size = group_size(MEL_BANDS, COARSE_BANDS, coarse);
            int sum = 0;
            for (int k = 0; k < size; k++) {
                sum += *levels++;
            }
            sums[coarse] += sign * sum;
        }
    }
}

/* Return the squared distance of a view from a machine. */
static float squared_distance(int view, const float *values, int machine, float *centred) {
    const int size = VIEW_SIZE[view], first = VIEW_FIRST[view];
    const float *mean = MEANS + machine * VALUES + first;
    const int8_t *weight = FACTORS + VIEW_FACTOR[view];
    float total = 0.0f;
    for (int i = 0; i < size; i++) {
        centred[i] = (values[i] - mean[i]) * INVERSE_UNITS[first + i];
    }
    for (int j = 0; j < size; j++) {
        float sum = 0.0f;
        for (int i = j; i < size; i++) {
            sum += (float)*weight++ * centred[i];
        }
        sum *= FACTOR_STEPS[first + j];
        total += sum * sum;
    }
    return total;
}

static int segment_count(int n_frames) {
    return (n_frames - segment_length(n_frames)) / SEGMENT_STRIDE + 1;
}

/* Compute the distances of the mean spectra of all segments from all machines. */
static void compute_segments(pooling_t *pooling, const uint8_t *levels, int n_frames,
                             float level) {
    const int segments = segment_count(n_frames), length = segment_length(n_frames);
    int32_t sums[COARSE_BANDS] = {0};
    add_frames(sums, levels, length, 1);
    for (int segment = 0; segment < segments; segment++) {
        for (int coarse = 0; coarse < COARSE_BANDS; coarse++) {
            const int size = group_size(MEL_BANDS, COARSE_BANDS, coarse);
            pooling->segment[coarse] =
                LEVEL_LOWEST - level + LEVEL_STEP * (float)sums[coarse] / (float)(size * length);
        }
        if (segment + 1 < segments) {
            const uint8_t *first = levels + segment * SEGMENT_STRIDE * MEL_BANDS;
            add_frames(sums, first, SEGMENT_STRIDE, -1);
            add_frames(sums, first + length * MEL_BANDS, SEGMENT_STRIDE, 1);
        }
        for (int machine = 0; machine < MACHINES; machine++) {
            pooling->distances[machine * SEGMENTS + segment] =
                squared_distance(VIEW_MEAN, pooling->segment, machine, pooling->centred);
        }
    }
}

/* Compute the tables of a transform over n_frames frames. */
static void begin_transform(pooling_t *pooling, int n_frames) {
    for (int i = 0; i < n_frames; i++) {
        const float angle = TWO_PI * (float)i / (float)n_frames;
        pooling->turns[2 * i] = cosf(angle);
        pooling->turns[2 * i + 1] = sinf(angle);
        pooling->window[i] = 0.5f - 0.5f * cosf(TWO_PI * (float)i / (float)(n_frames - 1));
    }
    for (int line = 1; line <= n_frames / 2; line++) {
        const float hz = (float)line * FRAME_RATE / (float)n_frames;
        const float steps = log2f(hz / LOWEST_RHYTHM) * RHYTHMS_PER_OCTAVE;
        const float above = steps - rintf(steps);
        pooling->nearest[line - 1] = (int16_t)lrintf(steps);
        pooling->weight[line - 1] = expf(-0.5f * above * above);
        pooling->upwards[line - 1] = expf(above - 0.5f);
    }
    for (int i = 0; i < 2 * LINES; i++) {
        pooling->halves[i] = 0.0f;
    }
}

static float windowed(const pooling_t *pooling, const uint8_t *levels, int frame, float mean) {
    return ((float)levels[frame * MEL_BANDS] - mean) * LEVEL_STEP * pooling->window[frame];
}

/* Fold a band over time into its even and its odd part. */
static void fold(pooling_t *pooling, const uint8_t *levels, int n_frames, int band) {
    const int group = 2 * (band / BANDS_AT_ONCE * BANDS_AT_ONCE), place = band % BANDS_AT_ONCE;
    float *folded = pooling->folded + group + place;
    int32_t sum = 0;
    for (int frame = 0; frame < n_frames; frame++) {
        sum += levels[frame * MEL_BANDS];
    }
    const float mean = (float)sum / (float)n_frames;
    for (int i = 1; i <= n_frames / 2; i++, folded += 2 * COARSE_MOST) {
        const int twice = 2 * i == n_frames; /* the middle is its own mirror image */
        const float one = windowed(pooling, levels, i, mean);
        const float other = twice ? 0.0f : windowed(pooling, levels, n_frames - i, mean);
        folded[0] = one + other;
        folded[BANDS_AT_ONCE] = twice ? 0.0f : one - other;
    }
}

/* Compute two lines, `line` and the next, of the spectra of the bands at BANDS_AT_ONCE places.
 * spectra: of each line the real parts, then the imaginary parts. */
static void compute_lines(const pooling_t *pooling, int n_frames, int line, const float *folded,
                          float spectra[2][2 * BANDS_AT_ONCE]) {
    float r0 = 0.0f, r1 = 0.0f, r2 = 0.0f, r3 = 0.0f, i0 = 0.0f, i1 = 0.0f, i2 = 0.0f, i3 = 0.0f;
    float r4 = 0.0f, r5 = 0.0f, r6 = 0.0f, r7 = 0.0f, i4 = 0.0f, i5 = 0.0f, i6 = 0.0f, i7 = 0.0f;
    const float *values = folded;
    for (int i = n_frames / 2, at = 0, next = 0; i > 0; i--) {
        at += 2 * line;
        at = at >= 2 * n_frames ? at - 2 * n_frames : at;
        next += 2 * (line + 1);
        next = next >= 2 * n_frames ? next - 2 * n_frames : next;
        const float *turn = pooling->turns + at, *next_turn = pooling->turns + next;
        const float c = turn[0], s = turn[1], next_c = next_turn[0], next_s = next_turn[1];
        r0 += values[0] * c, r4 += values[0] * next_c;
        r1 += values[1] * c, r5 += values[1] * next_c;
        r2 += values[2] * c, r6 += values[2] * next_c;
        r3 += values[3] * c, r7 += values[3] * next_c;
        i0 += values[4] * s, i4 += values[4] * next_s;
        i1 += values[5] * s, i5 += values[5] * next_s;
        i2 += values[6] * s, i6 += values[6] * next_s;
        i3 += values[7] * s, i7 += values[7] * next_s;
        values += 2 * COARSE_MOST;
    }
    const float results[2][2 * BANDS_AT_ONCE] = {{r0, r1, r2, r3, i0, i1, i2, i3},
                                                 {r4, r5, r6, r7, i4, i5, i6, i7}};
    memcpy(spectra, results, sizeof results);
}

/* Add the power of the mean of spectra, which are summed here, to the group. */
static void add_to_group(pooling_t *pooling, int line, float real, float imaginary, float share) {
    pooling->group[line - 1] += share * (real * real + imaginary * imaginary + LEAST_POWER);
}

/* Transform the folded bands of a coarse one. Their power goes to pooling->power, the power of
 * their mean, by `share`, is added to pooling->group. */
static void transform(pooling_t *pooling, int n_frames, int size, float share) {
    float spectra[2][2 * BANDS_AT_ONCE];
    for (int line = 1; line <= n_frames / 2; line += 2) {
        float real[2] = {0.0f, 0.0f}, imaginary[2] = {0.0f, 0.0f};
        for (int k = 0; k < size; k++) {
            const int place = k % BANDS_AT_ONCE;
            if (place == 0) {
                compute_lines(pooling, n_frames, line, pooling->folded + 2 * k, spectra);
            }
            for (int one = 0; one < 2 && line + one <= n_frames / 2; one++) {
                const float re = spectra[one][place], im = spectra[one][BANDS_AT_ONCE + place];
                pooling->power[k * LINES + line + one - 1] = re * re + im * im + LEAST_POWER;
                real[one] += re / (float)size;
                imaginary[one] += im / (float)size;
            }
        }
        for (int one = 0; one < 2 && line + one <= n_frames / 2; one++) {
            add_to_group(pooling, line + one, real[one], imaginary[one], share);
        }
    }
}

/* Add the squared prominence of a band's power over its floor to the half of its band. */
static void add_prominence(pooling_t *pooling, int n_frames, const float *power, float *half) {
    const int lines = n_frames / 2;
    int first = 0, count = 0; /* lines from 1 Hz upwards */
    while (first < lines - 1 && (float)(first + 1) * FRAME_RATE < (float)n_frames) {
        first++;
    }
    for (int line = first; line < lines; line++) {
        pooling->column[count++] = power[line];
    }
    const float floor = median(pooling->column, count);
    for (int line = 0; line < lines; line++) {
        const float prominence = power[line] / floor;
        half[line] += prominence * prominence;
    }
}

/* Compute the logarithm of the mean power around every rhythm. */
static void compute_rhythms(const pooling_t *pooling, int lines, const float *power,
                            float values[RHYTHMS]) {
    float totals[RHYTHMS] = {0.0f}, weights[RHYTHMS] = {0.0f};
    for (int line = 0; line < lines; line++) {
        const int nearest = pooling->nearest[line];
        /* exp(-(d + 1)^2 / 2) is exp(-d^2 / 2) times exp(-d - 1/2), which falls by 1/e a step. */
        float weight = pooling->weight[line], ratio = pooling->upwards[line];
        for (int rhythm = nearest; rhythm <= nearest + REACH && rhythm < RHYTHMS; rhythm++) {
            if (rhythm >= 0) { /* the slowest lines lie below the slowest rhythm */
                totals[rhythm] += weight * power[line];
                weights[rhythm] += weight;
            }
            weight *= ratio;
            ratio *= ONE_BY_E;
        }
        ratio = ONE_BY_E / pooling->upwards[line];
        weight = pooling->weight[line] * ratio;
        for (int rhythm = nearest - 1; rhythm >= nearest - REACH && rhythm >= 0; rhythm--) {
            ratio *= ONE_BY_E;
            if (rhythm < RHYTHMS) {
                totals[rhythm] += weight * power[line];
                weights[rhythm] += weight;
            }
            weight *= ratio;
        }
    }
    for (int rhythm = 0; rhythm < RHYTHMS; rhythm++) {
        /* In a short block the slowest line may be far above the slowest rhythms. */
        values[rhythm] =
            logf(weights[rhythm] > 0.0f ? totals[rhythm] / weights[rhythm] : power[0]);
    }
}

/* Transform the bands of a coarse one, which begins at `band`. */
static void transform_coarse(pooling_t *pooling, const uint8_t *levels, int n_frames, int band,
                             int size, float share) {
    for (int k = 0; k < size; k++) {
        fold(pooling, levels + band + k, n_frames, k);
    }
    transform(pooling, n_frames, size, share);
    for (int k = 0; k < size; k++) {
        const int upper = band + k >= (MEL_BANDS + 1) / 2;
        add_prominence(pooling, n_frames, pooling->power + k * LINES,
                       pooling->halves + upper * LINES);
    }
}

/* Compute the modulation of the groups of coarse bands. */
static void compute_modulation(pooling_t *pooling, const uint8_t *levels, int n_frames) {
    const int lines = n_frames / 2;
    for (int group = 0, coarse = 0, band = 0; group < MODULATION_BANDS; group++) {
        const int size = group_size(COARSE_BANDS, MODULATION_BANDS, group);
        for (int line = 0; line < lines; line++) {
            pooling->group[line] = 0.0f;
        }
        for (int k = 0; k < size; k++, coarse++) {
            const int bands = group_size(MEL_BANDS, COARSE_BANDS, coarse);
            transform_coarse(pooling, levels, n_frames, band, bands,
                             1.0f / (float)(n_frames * size));
            band += bands;
        }
        compute_rhythms(pooling, lines, pooling->group, pooling->modulation + group * RHYTHMS);
    }
}

/* Compute the rhythms of the lower and of the upper half of the bands. */
static void compute_halves(pooling_t *pooling, int n_frames) {
    const int lines = n_frames / 2;
    for (int half = 0; half < RHYTHM_SIZE / RHYTHMS; half++) {
        float *power = pooling->halves + half * LINES;
        const float bands = (float)group_size(MEL_BANDS, 2, half);
        for (int line = 0; line < lines; line++) {
            power[line] = sqrtf(power[line] / bands);
        }
        compute_rhythms(pooling, lines, power, pooling->rhythm + half * RHYTHMS);
    }
}

void pooling_views(pooling_t *pooling, const uint8_t *levels, int n_frames) {
    const float level = pool_coarse(pooling, levels, n_frames);
    compute_segments(pooling, levels, n_frames, level);
    begin_transform(pooling, n_frames);
    compute_modulation(pooling, levels, n_frames);
    compute_halves(pooling, n_frames);
}

/* Return a quantile between the values; they are sorted. */
static float quantile(float *values, int count, float share) {
    const float place = share * (float)(count - 1);
    const int below = (int)place;
    sort_down(values, count);
    const float low = values[count - 1 - below];
    const float high = below + 1 < count ? values[count - 2 - below] : low;
    return low + (place - (float)below) * (high - low);
}

/* Return the score of a block as one machine. */
static float score_as(pooling_t *pooling, int n_frames, int machine) {
    const float *views[VIEWS] = {pooling->steady, 0, pooling->events, pooling->modulation,
                                 pooling->rhythm};
    float score = 0.0f;
    for (int view = 0; view < VIEWS; view++) {
        float distance = view == VIEW_MEAN
                             ? quantile(pooling->distances + machine * SEGMENTS,
                                        segment_count(n_frames), QUIET_QUANTILE)
                             : squared_distance(view, views[view], machine, pooling->centred);
        distance = distance > LEAST_DISTANCE ? distance : LEAST_DISTANCE;
        score += VIEW_WEIGHT[view] * (logf(distance) - VIEW_CENTRE[machine * VIEWS + view]) /
                 VIEW_SCALE[view];
    }
    return score;
}

/* Return what blocks of this length score higher than full ones. */
static float length_offset(int n_frames) {
    int above = 0;
    while (above < LENGTHS && LENGTH_FRAMES[above] <= (float)n_frames) {
        above++;
    }
    if (above == 0 || above == LENGTHS) {
        return LENGTH_OFFSETS[above == 0 ? 0 : LENGTHS - 1];
    }
    const float *frames = LENGTH_FRAMES + above - 1, *offsets = LENGTH_OFFSETS + above - 1;
    const float share = logf((float)n_frames / frames[0]) / logf(frames[1] / frames[0]);
    return offsets[0] + share * (offsets[1] - offsets[0]);
}

float pooling_score(pooling_t *pooling, const uint8_t *levels, int n_frames, int *machine) {
    pooling_views(pooling, levels, n_frames);
    float lowest = INFINITY;
    for (int one = 0; one < MACHINES; one++) {
        const float score = score_as(pooling, n_frames, one);
        if (score < lowest) {
            lowest = score;
            *machine = one;
        }
    }
    return lowest - length_offset(n_frames);
}
