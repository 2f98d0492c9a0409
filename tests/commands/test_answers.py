import json

import pytest

from stethoscope.commands.answers import print_answers
from stethoscope.errors import AudioError


def answer(file: str) -> dict[str, object]:
    if file.startswith("broken"):
        raise AudioError(f"{file}: holds no samples")
    return {"Label": "Lüfter"}


@pytest.mark.parametrize(
    ("files", "status"), [(["broken.wav", "a.wav"], 0), (["broken.wav"], 1), ([], 1)]
)
def test_each_file_has_a_line_and_one_usable_file_is_success(
    files: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {
        "broken.wav": {"File": "broken.wav", "Error": "broken.wav: holds no samples"},
        "a.wav": {"File": "a.wav", "Label": "Lüfter"},
    }
    assert print_answers(files, answer) == status
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [expected[file] for file in files]
