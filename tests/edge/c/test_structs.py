"""Sizes of structs, compared with the C compiler."""

import subprocess
from pathlib import Path

from stethoscope.edge.c.structs import struct_size
from stethoscope.edge.c.text import Constant
from tests.edge.c_tools import compile_c, require

HEADER = """/* A comment with typedef struct { int not_this; } b; */
#ifndef PARTS_H
#define PARTS_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
enum { LENGTH = (N - 1) * 2 + 3 };
typedef struct { int16_t pcm[LENGTH]; double work[N]; char end; } part_t;
typedef struct { part_t parts[2]; void *context; int8_t last[N * N]; } whole_t;
int run(whole_t *whole, const int8_t values[N]);
#ifdef __cplusplus
}
#endif
#endif
"""


def test_size_equals_that_of_the_compiler(tmp_path: Path) -> None:
    require("gcc")
    top = "#include <stdint.h>\n#include <stdio.h>\n#define N 5\n"
    main = 'int main(void) { printf("%u", (unsigned)sizeof(whole_t)); return 0; }\n'
    (tmp_path / "size.c").write_text(top + HEADER + main)
    program = compile_c(tmp_path, tmp_path / "size", "size.c")
    done = subprocess.run([program], check=True, capture_output=True, text=True)
    constants = [Constant("N", "5"), Constant("SCALE", "1.5f"), Constant("ZERO", "(-3)")]
    size = struct_size("whole_t", [HEADER], constants)
    assert size == int(done.stdout)
