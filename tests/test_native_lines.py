import os
import subprocess
import sys

import pytest

from stethoscope.native_lines import without_native_lines

LOGGED = [
    "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795286682.264488   24286 reader.cc:83] Reading SavedModel from: /tmp/x",
    "W1121 18:44:42.264061   24286 tf_tfl_flatbuffer_helpers.cc:364] Ignored output_format.",
    "fully_quantize: 0, inference_type: 6, input_inference_type: INT8",
]
OTHERS = ["E0000 00:00:1795286682.2 24286 x.cc:1] it failed", "warning: a.wav is clipped"]


def test_lines_of_the_libraries_are_hidden_and_others_come_after_the_block(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with without_native_lines():
        for line in (LOGGED[0], OTHERS[0], *LOGGED[1:], OTHERS[1]):
            os.write(2, f"{line}\n".encode())
        with without_native_lines():
            os.write(2, b"inner\n")
        print("printed by Python", file=sys.stderr)
    os.write(2, b"after\n")
    expected = [*OTHERS, "inner", "printed by Python", "after"]
    assert sorted(capfd.readouterr().err.splitlines()) == sorted(expected)


def test_more_than_the_pipe_holds_does_not_block(capfd: pytest.CaptureFixture[str]) -> None:
    def fill() -> None:
        for _ in range(100):
            os.write(2, b"x" * 1000 + b"\n")

    with without_native_lines(), pytest.raises(BlockingIOError):
        fill()
    os.write(2, b"after\n")
    assert capfd.readouterr().err.endswith("\nafter\n")


def test_standard_error_is_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="such"), without_native_lines():
        raise ValueError("such")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_process_without_standard_error_works() -> None:
    program = (
        "import os; os.close(2)\n"
        "from stethoscope.native_lines import without_native_lines\n"
        "with without_native_lines(): print('done')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n")
