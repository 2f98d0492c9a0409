import re
import subprocess
from pathlib import Path

import pytest

from stethoscope.cli import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predcit", "x"], "'predcit' is unknown; did you mean predict?"),
        (["zzz"], "'zzz' is unknown; choose one of run, compile, "),
        (
            ["predict", "B", "a.wav", "--machineid", "02"],
            "--machineid is no option of this command; did you mean --machine-id?",
        ),
        (
            ["predict", "--exitcode", "B"],
            "required: FILE; --exitcode is no option of this command; did you mean --exit-code?",
        ),
        (["events", "B", "a.wav", "--network", "int9"], "'int9' is unknown; did you mean int8?"),
        (["inspect", "-6_dB_fan.zip"], "if it is a file, write ./-6_dB_fan.zip"),
        (["run", "--dataset-url", "-6_dB_fan.zip"], "if it is a file, write ./-6_dB_fan.zip"),
        (["datasets", "fan"], "fan: more arguments than the command takes"),
    ],
)
def test_a_wrong_call_is_answered_with_what_may_be_meant(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_help_lists_every_command_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    printed = capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["?"])
    known = capsys.readouterr().err.partition("choose one of ")[2].strip().split(", ")
    assert "predict" in known
    assert sorted(re.findall("^    ([a-z]+)", printed, re.MULTILINE)) == sorted(known)


def test_a_file_may_begin_with_a_hyphen(
    fan_archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-6_dB_fan.zip").symlink_to(fan_archive)
    assert main(["inspect", "-6_dB_fan.zip", "--layout", "dcase2020"]) == 0
    assert "layout dcase2020" in capsys.readouterr().out


def test_numbers_below_zero_are_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--machine", "fan", "--snr-db", "-6", "--seconds", "0.5", "--ids", "1"]
    clips = ["--train-clips", "1", "--test-normal", "1", "--test-anomaly", "1"]
    assert main(["simulate", str(tmp_path / "fan.zip"), *arguments, *clips]) == 0


COMPLETE = """
source {script}
COMP_WORDS=(stethoscope {words})
COMP_CWORD=$(({count}))
_shtab_stethoscope
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("pre", "predict"),
        ("predict --exit", "--exit-code"),
        ("run --pipeline ev", "event-detection"),
        ("run -p feature_n_me", "feature_n_mels="),
        ("inspect --layout ur", "urbansound8k"),
    ],
)
def test_bash_completes_commands_options_and_values(
    words: str, completed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "stethoscope.bash"
    script.write_text(capsys.readouterr().out)
    program = COMPLETE.format(script=script, words=words, count=len(words.split()))
    done = subprocess.run(
        ["bash", "--norc", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [completed]


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_have_a_completion_too(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "predict" in capsys.readouterr().out
