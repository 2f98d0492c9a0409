"""Several models in one program: names with a prefix, and no state outside a detector."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.edge.c.export import export_c, export_classifier_c
from stethoscope.edge.c.prefix import prefixed
from stethoscope.errors import ParameterError
from tests.edge.c_tools import compile_c, require

_COMMON = """
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
enum { SAMPLES = 48000, MOST = 1000 };
typedef struct { float values[MOST]; int count; } answers_t;
static int16_t pcm[SAMPLES];
static void keep(answers_t *answers, float value) {
    if (answers->count < MOST) { answers->values[answers->count++] = value; }
}
"""
_STREAM = """
#include "{0}_detector.h"
static void {0}_score(void *context, float score, int active) {{
    keep(context, score); keep(context, (float)active);
}}
static void *{0}_run(void *answers) {{
    {0}_detector_t detector;
    {0}_detector_init(&detector, {0}_score, NULL, answers);
    for (int at = 0; at < SAMPLES; at += 100) {{ {0}_detector_feed(&detector, pcm + at, 100); }}
    {0}_detector_finish(&detector);
    return NULL;
}}
"""
_BLOCKS = """
#include "{0}_detector.h"
static void {0}_verdict(void *context, const {0}_detector_verdict_t *verdict) {{
    keep(context, verdict->score);
}}
static void *{0}_run(void *answers) {{
    {0}_detector_t detector;
    {0}_detector_init(&detector, {0}_verdict, answers);
    for (int at = 0; at < SAMPLES; at += 100) {{ {0}_detector_feed(&detector, pcm + at, 100); }}
    {0}_detector_finish(&detector);
    return NULL;
}}
"""
_CLIP = """
#include "{0}_detector.h"
static void *{0}_run(void *answers) {{
    {0}_detector_t detector;
    float probabilities[{1}_OUTPUT_SIZE];
    {0}_detector_init(&detector);
    {0}_detector_classify(&detector, pcm, SAMPLES, probabilities);
    for (int k = 0; k < {1}_OUTPUT_SIZE; k++) {{ keep(answers, probabilities[k]); }}
    return NULL;
}}
"""
_MAIN = """
static void *(*const runs[])(void *) = {%s};
enum { KINDS = sizeof runs / sizeof runs[0], THREADS = 2 * KINDS };
static answers_t alone[KINDS], together[THREADS];
int main(void) {
    uint32_t state = 1;
    pthread_t threads[THREADS];
    for (int i = 0; i < SAMPLES; i++) {
        state = state * 1664525u + 1013904223u;
        pcm[i] = (int16_t)((int32_t)state >> 18);
    }
    for (int i = 0; i < KINDS; i++) { runs[i](&alone[i]); }
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, runs[i %% KINDS], &together[i])) { return 2; }
    }
    for (int i = 0; i < THREADS; i++) { pthread_join(threads[i], NULL); }
    for (int i = 0; i < THREADS; i++) {
        const int same = !memcmp(&alone[i %% KINDS], &together[i], sizeof together[i]);
        printf("%%d %%d\\n", alone[i %% KINDS].count, same);
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def folders(
    beep_parts: Path,
    edge_bundle: Path,
    pooled_bundle: Bundle,
    make_classifier: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """A folder for every kind of model, with its prefix."""
    out, copies = (tmp_path_factory.mktemp(name) for name in ("prefixed", "copies"))
    given = {"bell": beep_parts / "bundle", "pump": edge_bundle, "fan": pooled_bundle.folder}
    for name, bundle in given.items():  # an export puts its files into the bundle too
        shutil.copytree(bundle, copies / name)
        machine = "fan/00" if name == "fan" else ""
        export_c(Bundle.open(copies / name), out / name, machine=machine, prefix=name)
    export_classifier_c(make_classifier("mfcc-cnn") / "model", out / "sounds", prefix="sounds")
    return {name: out / name for name in ("bell", "pump", "fan", "sounds")}


def sources(folder: Path) -> list[str]:
    """Return the files that a program compiles."""
    return [str(path) for path in sorted((folder / "src").glob("*.c"))]


def compile_all(folders: dict[str, Path], output: Path, *flags: str) -> Path:
    """Compile a program that runs every kind alone, and then twice in threads."""
    parts = [_STREAM.format("bell"), _STREAM.format("pump"), _BLOCKS.format("fan")]
    main = _MAIN % ", ".join(f"{name}_run" for name in folders)
    program = _COMMON + "".join(parts) + _CLIP.format("sounds", "SOUNDS") + main
    output.with_suffix(".c").write_text(program)
    names = [name for folder in folders.values() for name in sources(folder)]
    headers = [f"-I{folder}/src" for folder in folders.values()]
    return compile_c(
        output.parent,
        output,
        str(output.with_suffix(".c")),
        *names,
        flags=("-std=gnu99", "-pthread", *headers, *flags),
    )


def test_detectors_of_all_kinds_answer_in_threads_as_alone(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    require("gcc")
    program = compile_all(folders, tmp_path / "all", "-fsanitize=thread")
    done = subprocess.run([program], capture_output=True, text=True)
    if "unexpected memory mapping" in done.stderr:  # a kernel on which the sanitizer cannot work
        program = compile_all(folders, tmp_path / "all")
        done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(rows) == 8
    assert all(count > 0 and same for count, same in rows)


@pytest.mark.parametrize("name", ["bell", "fan", "sounds"])
def test_every_symbol_has_the_prefix_and_none_is_writable(
    folders: dict[str, Path], name: str, tmp_path: Path
) -> None:
    require("gcc")
    for source in sources(folders[name]):
        parent = f"-I{Path(source).parent}"
        built = compile_c(
            tmp_path, tmp_path / "x.o", "-c", source, flags=(parent, "-fno-pic", "-O0")
        )
        done = subprocess.run(["nm", built], check=True, capture_output=True, text=True)
        symbols = [line.split()[-2:] for line in done.stdout.splitlines()]
        assert not [
            one
            for kind, one in symbols
            if kind in "TDBCR" and not one.lower().startswith(f"{name}_")
        ]
        assert not [one for kind, one in symbols if kind in "DdBbC"]


@pytest.mark.parametrize("name", ["bell", "fan", "sounds"])
def test_every_model_is_switched_on_by_a_setting_of_its_own_in_zephyr(
    folders: dict[str, Path], name: str
) -> None:
    folder, setting = folders[name], f"{name.upper()}_MODEL"
    assert f"config {setting}\n" in (folder / "zephyr/Kconfig").read_text()
    assert f"if(CONFIG_{setting})\n" in (folder / "zephyr/CMakeLists.txt").read_text()
    assert f"CONFIG_{setting}=y\n" in (folder / "examples/zephyr/prj.conf").read_text()
    files = (path for path in folder.rglob("*") if path.is_file())
    assert not [one for one in files if b"STETHOSCOPE_MODEL" in one.read_bytes()]


def test_prefix_stands_before_names_and_files_and_nowhere_else() -> None:
    header = "#define THRESHOLD 2.0f\nextern const float MEANS[3];\nint detector_feed(int count);\n"
    source = '#include "detector.h"\nint detector_feed(int count) { return count; /* NULL */ }\n'
    example = {"example/run.h": '#include "detector.h"\n#define PIN 3\n'}
    files = prefixed({"src/detector.h": header, "src/detector.c": source} | example, "fan")
    assert files == {
        "src/fan_detector.h": "#define FAN_THRESHOLD 2.0f\nextern const float FAN_MEANS[3];\n"
        "int fan_detector_feed(int count);\n",
        "src/fan_detector.c": '#include "fan_detector.h"\n'
        "int fan_detector_feed(int count) { return count; /* NULL */ }\n",
        "example/run.h": '#include "fan_detector.h"\n#define PIN 3\n',
    }


@pytest.mark.parametrize("prefix", ["Fan", "2fan", "fan-2", "fan/", "_fan"])
def test_prefix_that_cannot_begin_a_name_is_refused(
    pooled_bundle: Bundle, tmp_path: Path, prefix: str
) -> None:
    with pytest.raises(ParameterError, match="--prefix is"):
        export_c(pooled_bundle, tmp_path / "c", machine="fan/00", prefix=prefix)
