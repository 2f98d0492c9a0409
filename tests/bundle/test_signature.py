import shutil
import subprocess
from pathlib import Path

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.edit import set_thresholds, sign_bundle
from stethoscope.bundle.manifest import read_manifest
from stethoscope.bundle.signature import read_private_key
from stethoscope.errors import ModelError, ParameterError


def make_keys(folder: Path, name: str, algorithm: str = "ed25519") -> tuple[Path, Path]:
    """Make a private and a public key, as the documentation says."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    for command in (
        ["genpkey", "-algorithm", algorithm, "-out", private],
        ["pkey", "-in", private, "-pubout", "-out", public],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return private, public


def test_signature_is_one_that_openssl_verifies(sealed: Path, tmp_path: Path) -> None:
    private, public = make_keys(tmp_path, "key")
    sign_bundle(sealed, read_private_key(private))
    Bundle.open(sealed, public_key=public)
    seal = read_manifest(sealed)
    (tmp_path / "signature").write_bytes(seal.signature)
    (tmp_path / "message").write_bytes(seal.signed)
    given = ["-in", tmp_path / "message", "-sigfile", tmp_path / "signature"]
    subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", *given],
        check=True,
        capture_output=True,
    )


def test_bundle_without_the_right_signature_is_refused(sealed: Path, tmp_path: Path) -> None:
    private, public = make_keys(tmp_path, "key")
    _, other = make_keys(tmp_path, "other")
    with pytest.raises(ModelError, match="has no signature; whoever exported it signs it by"):
        Bundle.open(sealed, public_key=public)
    sign_bundle(sealed, read_private_key(private))
    Bundle.open(sealed)
    with pytest.raises(ModelError, match=r"not signed with the key that belongs to .*other\.pub"):
        Bundle.open(sealed, public_key=other)


def test_change_removes_the_signature_with_a_warning_or_renews_it(
    sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = make_keys(tmp_path, "key")
    sign = read_private_key(private)
    sign_bundle(sealed, sign)
    bundle = Bundle.open(sealed)
    set_thresholds(bundle, bundle.thresholds.with_false_alarm_rate(0.2), sign)
    Bundle.open(sealed, public_key=public)
    assert not capsys.readouterr().err
    set_thresholds(bundle, bundle.thresholds)
    assert "the change removed the signature" in capsys.readouterr().err
    with pytest.raises(ModelError, match="has no signature"):
        Bundle.open(sealed, public_key=public)


def test_file_without_a_key_is_refused_with_the_way_to_make_one(
    sealed: Path, tmp_path: Path
) -> None:
    private, public = make_keys(tmp_path, "key")
    rsa = make_keys(tmp_path, "rsa", "rsa")
    for path in (public, rsa[0], sealed / "bundle.json"):
        with pytest.raises(ParameterError, match="holds no private key of Ed25519; make one by"):
            read_private_key(path)
    for path in (private, rsa[1], sealed / "bundle.json"):
        with pytest.raises(ParameterError, match="holds no public key of Ed25519; make one by"):
            Bundle.open(sealed, public_key=path)
    with pytest.raises(ParameterError, match="no such file"):
        read_private_key(tmp_path / "none.pem")
    locked = tmp_path / "locked.pem"
    encrypt = ["-in", private, "-aes256", "-passout", "pass:x", "-out", locked]
    subprocess.run(["openssl", "pkey", *encrypt], check=True, capture_output=True)
    with pytest.raises(ParameterError, match="the key is encrypted"):
        read_private_key(locked)
