import random
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stethoscope.bundle.bundle import Bundle
from tests.bundle.conftest import OLD_BUNDLE
from tests.fuzz.bundles import count_unnoticed_flips, mutated_outcome, ready
from tests.fuzz.common import fuzzed


@cache
def bundle() -> Path:
    """Return a bundle of this version with a detector and a model of events."""
    copy = ready(OLD_BUNDLE, Path(tempfile.mkdtemp()) / "bundle")
    Bundle.open(copy)  # loads what the forked processes share
    return copy


@fuzzed
@given(st.integers(0, 2**60))
def test_mutated_bundle_is_opened_or_refused_with_one_line(seed: int) -> None:
    done, kind, wrong = mutated_outcome(bundle(), seed)
    assert not wrong, f"{done}: {kind}, {wrong}"


@fuzzed
@given(st.integers(0, 2**60))
def test_bundle_with_a_flipped_bit_is_refused(seed: int) -> None:
    assert count_unnoticed_flips(bundle(), 10, random.Random(seed)) == 0
