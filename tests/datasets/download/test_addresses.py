from pathlib import Path

import pytest

from stethoscope.datasets.download.addresses import address_kind, check_address, split_addresses
from stethoscope.errors import ParameterError


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("https://example.org/fan.zip", "web"),
        ("HTTP://example.org/fan", "web"),
        ("file:///data/fan.zip", "file"),
        ("simulated/fan?snr_db=-6", "simulated"),
        ("dcase2020/fan", "catalogue"),
        ("./fan", "path"),
        ("fan.tar.gz", "path"),
    ],
)
def test_kind_of_an_address(address: str, kind: str) -> None:
    assert address_kind(address) == kind


def test_existing_path_with_a_comma_is_one_address(tmp_path: Path) -> None:
    path = tmp_path / "a,b.zip"
    path.touch()
    assert split_addresses(str(path)) == [(str(path), "")]
    assert split_addresses("a.zip, b.zip", ",".join(["", "0" * 32])) == [
        ("a.zip", ""),
        ("b.zip", "0" * 32),
    ]


def test_options_of_the_simulator_are_checked_without_simulating() -> None:
    check_address("simulated/fan?snr_db=-6")
    with pytest.raises(ParameterError, match="no option 'speed'"):
        check_address("simulated/fan?speed=3")


@pytest.mark.parametrize(
    ("address", "md5", "message"),
    [
        ("a.zip", "0" * 31, "dataset_md5 is '0000.*hexadecimal digits"),
        ("a.zip", "9" * 6000, "dataset_md5 is '9999.*hexadecimal digits"),
        (f"a.zip,{'b' * 6000}", "", "an address of 6,000 characters; give at most 4,000"),
        (f"simulated/fan?snr_db={'9' * 3000}x", "", "snr_db is '9999"),
        (f"s3://sounds/fan.zip?{'9' * 3000}=1", "", "unknown option '9999"),
    ],
)
def test_wrong_text_is_refused_in_a_message_that_can_be_read(
    address: str, md5: str, message: str
) -> None:
    def check_all() -> None:
        for one, _ in split_addresses(address, md5):
            check_address(one)

    with pytest.raises(ParameterError, match=message) as caught:
        check_all()
    assert len(str(caught.value)) < 4_500
