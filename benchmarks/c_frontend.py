"""Speed of exported C on this computer: seconds of sound that it processes per second.

    python benchmarks/c_frontend.py BUNDLE/c [more folders]

Needs gcc. Compiled with -O2; one thread, in processor time; the least of five runs.
"""

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

_SECONDS = 10
_PROGRAM = """
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <time.h>
#include "detector.h"
#include "frontend.h"

#ifdef CLIP_SAMPLES
enum { SAMPLES = CLIP_SAMPLES };
#else
enum { SAMPLES = %(seconds)d * SAMPLE_RATE };
#endif
static int16_t pcm[SAMPLES];
static detector_t detector;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#ifdef CLIP_SAMPLES
/* A clip's frames are computed twice; this is the first time. */
static void run_front_end(void) { detector_floor(&detector, pcm, SAMPLES); }

static void run_detector(void) {
    float probabilities[OUTPUT_SIZE];
    detector_init(&detector);
    detector_classify(&detector, pcm, SAMPLES, probabilities);
}
#else
static void run_front_end(void) {
    static float work[FRAME_SIZE];
    static float frame[SPECTRUM_SIZE];
    for (int i = 0; i + FRAME_SIZE <= SAMPLES; i += FRAME_STRIDE) {
        frontend_frame(pcm + i, frame, work);
    }
}

static void run_detector(void) {
#ifdef BLOCK_SAMPLES
    detector_init(&detector, NULL, NULL);
#else
    detector_init(&detector, NULL, NULL, NULL);
#endif
    detector_feed(&detector, pcm, SAMPLES);
}
#endif

static double shortest(void (*run)(void)) {
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        double began = now();
        run();
        double seconds = now() - began;
        best = seconds < best ? seconds : best;
    }
    return best;
}

int main(void) {
    const double seconds = SAMPLES / (double)SAMPLE_RATE;
    uint32_t state = 1;
    for (int i = 0; i < SAMPLES; i++) {
        state = state * 1664525u + 1013904223u;
        pcm[i] = (int16_t)(state >> 18);
    }
    printf("%%.0f %%.0f", seconds / shortest(run_front_end), seconds / shortest(run_detector));
    return 0;
}
"""


def main() -> None:
    """Print a row per folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    print("| model | front end, times real time | whole detector, times real time |")
    print("|---|---|---|")
    for folder in parser.parse_args().folders:
        header = (folder / "src/model.h").read_text(encoding="utf-8")
        found = re.search(r'MODEL_NAME "([^"]*)"', header)
        with tempfile.TemporaryDirectory() as scratch:
            sources = sorted(f"src/{one.name}" for one in (folder / "src").glob("*.c"))
            source, program = Path(scratch) / "time.c", Path(scratch) / "time"
            source.write_text(_PROGRAM % {"seconds": _SECONDS}, encoding="utf-8")
            subprocess.run(
                ["gcc", "-std=c99", "-O2", "-Isrc", source, *sources, "-o", program, "-lm"],
                cwd=folder,
                check=True,
            )
            front, whole = subprocess.run(
                [program], check=True, capture_output=True, text=True
            ).stdout.split()
        print(f"| {found[1] if found else folder} | {front} | {whole} |")


if __name__ == "__main__":
    main()
