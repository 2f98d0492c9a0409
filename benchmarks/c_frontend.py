"""How fast exported C computes features and answers: seconds of sound per second, on this computer.

    python benchmarks/c_frontend.py BUNDLE/c [more folders]

Needs gcc. Compiled with -O2; one thread.
"""

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

_SOURCES = ("detector.c", "decision.c", "frontend.c", "fft.c", "network.c", "model.c")
_SECONDS = 10
_STREAM = """
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <time.h>
#include "detector.h"
#include "frontend.h"
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec; }
static int16_t pcm[%(seconds)d * SAMPLE_RATE];
static real_t work[FRAME_SIZE];
static float frame[SPECTRUM_SIZE];
static detector_t detector;
int main(void) {
    uint32_t state = 1;
    for (int i = 0; i < %(seconds)d * SAMPLE_RATE; i++) { state = state * 1664525u + 1013904223u; pcm[i] = (int16_t)(state >> 18); }
    double best_front = 1e9, best_all = 1e9;
    for (int run = 0; run < 5; run++) {
        double began = now();
        for (int i = 0; i + FRAME_SIZE <= %(seconds)d * SAMPLE_RATE; i += FRAME_STRIDE) frontend_frame(pcm + i, frame, work);
        double front = now() - began;
        detector_init(&detector, NULL, NULL, NULL);
        began = now();
        detector_feed(&detector, pcm, %(seconds)d * SAMPLE_RATE);
        double all = now() - began;
        best_front = front < best_front ? front : best_front;
        best_all = all < best_all ? all : best_all;
    }
    printf("%%.0f %%.0f", %(seconds)d / best_front, %(seconds)d / best_all);
    return 0;
}
"""


_CLIP = """
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <time.h>
#include "detector.h"
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec; }
static int16_t pcm[CLIP_SAMPLES];
static detector_t detector;
int main(void) {
    uint32_t state = 1;
    for (int i = 0; i < CLIP_SAMPLES; i++) { state = state * 1664525u + 1013904223u; pcm[i] = (int16_t)(state >> 18); }
    double best_front = 1e9, best_all = 1e9;
    float probabilities[OUTPUT_SIZE];
    detector_init(&detector);
    for (int run = 0; run < 5; run++) {
        double began = now();
        detector_floor(&detector, pcm, CLIP_SAMPLES);
        double front = now() - began;
        began = now();
        detector_classify(&detector, pcm, CLIP_SAMPLES, probabilities);
        double all = now() - began;
        best_front = front < best_front ? front : best_front;
        best_all = all < best_all ? all : best_all;
    }
    printf("%.0f %.0f", CLIP_SAMPLES / (double)SAMPLE_RATE / best_front, CLIP_SAMPLES / (double)SAMPLE_RATE / best_all);
    return 0;
}
"""
"""A clip is gone through twice by the front end; the first time alone is measured as such."""


def main() -> None:
    """Print a row per folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    print("| model | front end, times real time | whole detector, times real time |\n|---|---|---|")
    for folder in parser.parse_args().folders:
        header = (folder / "model.h").read_text(encoding="utf-8")
        found = re.search(r'MODEL_NAME "([^"]*)"', header)
        text = _CLIP if "CLIP_SAMPLES" in header else _STREAM % {"seconds": _SECONDS}
        with tempfile.TemporaryDirectory() as scratch:
            source, program = Path(scratch) / "time.c", Path(scratch) / "time"
            source.write_text(text, encoding="utf-8")
            subprocess.run(
                ["gcc", "-std=c99", "-O2", "-I.", source, *_SOURCES, "-o", program, "-lm"],
                cwd=folder,
                check=True,
            )
            front, whole = subprocess.run(
                [program], check=True, capture_output=True, text=True
            ).stdout.split()
        print(f"| {found[1] if found else folder} | {front} | {whole} |")


if __name__ == "__main__":
    main()
