import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.commands.same import Program
from stethoscope.errors import ParameterError
from tests.fuzz.common import altered, fuzzed, one_line

ROOT = Path(__file__).resolve().parents[2]
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates()
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALAR, inner, max_size=3),
    max_leaves=6,
)
PACKAGE = st.sampled_from(("pipeline.yaml", "", ".", "none.py", "\0", "x" * 300, 5))
SECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": VALUE | st.fixed_dictionaries({"name": VALUE}),
        "pipeline": VALUE | st.fixed_dictionaries({"name": VALUE, "package": PACKAGE | VALUE}),
        "run": VALUE | st.fixed_dictionaries({"name": VALUE, "parameters": VALUE}),
        "notes": VALUE,
    },
)


def reads_or_refuses(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pipeline.yaml").write_text("x")
        path = Path(folder) / "same.yaml"
        path.write_bytes(content)
        try:
            program = Program.read(path)
        except ParameterError as error:
            one_line(error)
            return
    assert program.package.is_relative_to("/")
    values: list[Any] = [*program.parameters.values()]
    assert not any(isinstance(value, (dict, list)) or value is None for value in values)


@fuzzed
@given(SECTIONS)
def test_any_settings_are_read_or_refused_with_a_reason(document: dict[str, Any]) -> None:
    reads_or_refuses(yaml.safe_dump(document, allow_unicode=True).encode())


@fuzzed
@given(altered((ROOT / "same.yaml").read_bytes(), b"[" * 400, b"a: &a [*a]", b"- !!python/x 1"))
def test_any_altered_file_is_read_or_refused_with_a_reason(content: bytes) -> None:
    reads_or_refuses(content)
