from pathlib import Path

import pytest

from stethoscope.bundle.roles import open_model
from stethoscope.errors import ModelError


def test_unknown_role_is_refused(fan_bundle: Path) -> None:
    with pytest.raises(ModelError, match="holds a model for 'oracle', this version knows detector"):
        open_model(fan_bundle, "oracle")
