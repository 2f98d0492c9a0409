import os
import random
from pathlib import Path

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.manifest import read_manifest, update_manifest
from stethoscope.bundle.seal import seal
from stethoscope.cli import main
from stethoscope.errors import ModelError
from stethoscope.files import read_json


def rewrite(bundle: Path, **changes: object) -> None:
    """Write entries of the manifest as they are given, with a right digest."""
    entries = {**read_json(bundle / "bundle.json"), **changes}
    (bundle / "bundle.json").write_bytes(seal(entries))


def test_altered_or_missing_file_is_named(sealed: Path) -> None:
    numbers = sealed / "models/detector/fan.npz"
    content = bytearray(numbers.read_bytes())
    content[len(content) // 2] ^= 1
    numbers.write_bytes(content)
    with pytest.raises(ModelError, match=r"fan\.npz: was altered"):
        Bundle.open(sealed)
    numbers.unlink()
    with pytest.raises(ModelError, match=r"fan\.npz: is missing"):
        Bundle.open(sealed)


def test_every_altered_bit_of_any_file_is_refused(sealed: Path) -> None:
    files = [path for path in sealed.rglob("*") if path.is_file()]
    draw = random.Random(0)
    for path in [*files, *[sealed / "bundle.json"] * 200]:
        content = path.read_bytes()
        bit = draw.randrange(8 * len(content))
        altered = bytearray(content)
        altered[bit // 8] ^= 1 << bit % 8
        path.write_bytes(altered)
        with pytest.raises(ModelError):
            read_manifest(sealed)
        path.write_bytes(content)
    assert read_manifest(sealed).digest


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a\0b", "x" * 300, "models"])
def test_name_that_is_no_file_of_the_bundle_is_refused(
    sealed: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret").write_text("x")
    files = read_json(sealed / "bundle.json")["files"]
    rewrite(sealed, files={**files, name: "0" * 64})
    with pytest.raises(ModelError, match="is missing from the bundle"):
        Bundle.open(sealed)


def test_file_that_the_manifest_does_not_name_is_refused_among_the_models(sealed: Path) -> None:
    (sealed / "models/detector/.hidden").write_text("left by a file manager")
    (sealed / "README.md").write_text("by hand")
    Bundle.open(sealed)
    (sealed / "models/detector/extra.npz").write_text("x")
    with pytest.raises(ModelError, match=r"extra\.npz: is not part of the bundle; remove it"):
        Bundle.open(sealed)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"schema_version": 99}', "[" * 100_000])
def test_damaged_manifest_gives_one_line(
    sealed: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (sealed / "bundle.json").write_text(content)
    assert main(["predict", str(sealed), "x.wav"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roles": []}, "roles is an empty list; it must be a list of at least 1"),
        ({"roles": ["detector", "detector"]}, "roles is a list of 2; it must not repeat"),
        ({"machines": "fan/00"}, "machines is 'fan/00'; it must be a list"),
        ({"name": 5}, "name is 5; it must be a text"),
        ({"files": {"a": "short"}}, "files.a has no SHA-256"),
        ({"messages": ["x"]}, "messages is a list of 1; it must be an object"),
    ],
)
def test_entry_of_another_type_is_named(
    sealed: Path, changes: dict[str, object], message: str
) -> None:
    rewrite(sealed, **changes)
    with pytest.raises(ModelError, match=message):
        Bundle.open(sealed)


def test_pipe_instead_of_a_file_is_refused_at_once(sealed: Path) -> None:
    for name in ("golden/detector/golden.json", "bundle.json"):
        (sealed / name).unlink()
        os.mkfifo(sealed / name)
        with pytest.raises(ModelError, match=f"{name}: is missing"):
            Bundle.open(sealed)


def test_schema_3_without_a_digest_is_refused_and_earlier_schemas_are_read(old: Path) -> None:
    assert not Bundle.open(old).seal.digest
    content = (old / "bundle.json").read_text()
    (old / "bundle.json").write_text(
        content.replace('"schema_version": 1', '"schema_version": 3', 1)
    )
    with pytest.raises(ModelError, match="has no digest"):
        Bundle.open(old)


def test_update_renews_only_the_digests_of_what_was_changed_on_purpose(sealed: Path) -> None:
    before = read_manifest(sealed).entries
    (sealed / "models/detector/notes.txt").write_text("made by hand")
    (sealed / "models/detector/curves.json").write_text("{}")
    with pytest.raises(ModelError, match=r"curves\.json: was altered"):
        update_manifest(sealed, changed=["models/detector/notes.txt"])
    update_manifest(sealed, changed=["models/detector"], name="other")
    after = read_manifest(sealed).entries
    assert Bundle.open(sealed).name == "other"
    assert after["files"].keys() - before["files"].keys() == {"models/detector/notes.txt"}
    assert after["thresholds"] == before["thresholds"]


def test_update_of_an_altered_manifest_is_refused(sealed: Path) -> None:
    path = sealed / "bundle.json"
    path.write_text(path.read_text().replace('"n_clips": 16', '"n_clips": 61', 1))
    with pytest.raises(ModelError, match=r"bundle\.json: is missing, damaged or was altered"):
        update_manifest(sealed, name="other")
