import subprocess
import sys

import pytest

from stethoscope.detection.keras_names import check_keras_names
from stethoscope.detection.options import FIT
from stethoscope.errors import ParameterError

DEFAULTS = {parameter.name: parameter.default for parameter in FIT.parameters}


@pytest.mark.parametrize(
    ("name", "value"), [("fit_compile_optimizer", "adm"), ("fit_compile_loss", "mse2")]
)
def test_a_name_that_keras_does_not_know_is_refused(name: str, value: str) -> None:
    with pytest.raises(ParameterError, match=f"{name} is '{value}', which Keras does not know"):
        check_keras_names({**DEFAULTS, name: value})


@pytest.mark.parametrize(
    "optimizer", ["sgd", '{"class_name": "SGD", "config": {"learning_rate": 0.1}}']
)
def test_a_name_or_a_configuration_that_keras_knows_is_accepted(optimizer: str) -> None:
    check_keras_names({**DEFAULTS, "fit_compile_optimizer": optimizer})


def test_the_defaults_are_checked_without_keras() -> None:
    code = f"""
import sys
sys.modules.update(dict.fromkeys(["keras", "tensorflow"]))
from stethoscope.detection.keras_names import check_keras_names
check_keras_names({DEFAULTS!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True)
