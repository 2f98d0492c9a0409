import pytest

from stethoscope.detection.detector import Detector
from stethoscope.detection.options import DETECTOR, FIT
from stethoscope.detection.registry import DETECTORS
from stethoscope.detection.scorer import Scorer


@pytest.mark.parametrize("name", DETECTORS)
def test_a_declaration_names_existing_classes(name: str) -> None:
    detector_class = DETECTORS[name].import_training_class()
    assert issubclass(detector_class, Detector)
    assert detector_class.kind == name
    assert issubclass(DETECTORS[name].import_deployed_class(), Scorer)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_declaration_names_existing_parameters(name: str) -> None:
    known = {parameter.name for group in (DETECTOR, FIT) for parameter in group.parameters}
    assert DETECTORS[name].parameters <= known
