"""Constants and tables in ``model.h`` and ``model.c``."""

import re
from pathlib import Path

from stethoscope.files import read_json
from stethoscope.model.int8 import check_for_microcontroller


def test_constants_have_the_names_that_the_field_uses(c_folder: Path) -> None:
    header = (c_folder / "src/model.h").read_text()
    wanted = {
        "SAMPLE_RATE": "16000",
        "FRAME_SIZE": "256",
        "FRAME_STRIDE": "128",
        "WINDOW_SIZE": "32",
        "WINDOW_STRIDE": "8",
        "SPECTRUM_SIZE": "48",
    }
    for name, value in wanted.items():
        assert re.search(rf"#define {name} {value}\b", header)
    assert re.search(r"#define SPECTRUM_MEAN [-+0-9.e]+f", header)
    assert re.search(r"#define SPECTRUM_STD [-+0-9.e]+f", header)


def test_labels_of_a_classifier_are_in_the_order_of_its_outputs(made: Path) -> None:
    labels = read_json(made / "model" / "edge.json")["labels"]
    source = (made / "c" / "src/model.c").read_text()
    quoted = ", ".join(f'"{label}"' for label in labels)
    assert f"CLASS_LABELS[OUTPUT_SIZE] = {{{quoted}}};" in source
    assert f'#define MODEL_LABELS "{", ".join(labels)}"' in (made / "c" / "src/model.h").read_text()


def test_resolver_gets_every_operator_of_the_model(made: Path) -> None:
    content = (made / "model" / "classifier_int8.tflite").read_bytes()
    header = (made / "c" / "src/model.h").read_text()
    operators = check_for_microcontroller(content, "x")
    assert f"#define MODEL_OPERATOR_COUNT {len(operators)}\n" in header
    added = re.findall(r"\(resolver\)\.Add(\w+)\(\);", header)
    names = [name.replace("_", "").lower() for name in operators]
    assert [name.lower() for name in added] == names


def test_bytes_of_the_network_are_those_of_the_file(made: Path) -> None:
    content = (made / "model" / "classifier_int8.tflite").read_bytes()
    source = (made / "c" / "src/model.c").read_text()
    body = source.split("ALIGNED = {")[1].split("};")[0]
    assert bytes(int(number, 16) for number in re.findall(r"0x[0-9a-f]{2}", body)) == content
