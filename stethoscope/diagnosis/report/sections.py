"""The sections on faults, from top to bottom."""

from collections.abc import Sequence
from pathlib import Path

from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.diagnosis.report.accuracy import accuracy_section
from stethoscope.diagnosis.report.groups import group_section
from stethoscope.diagnosis.report.inputs import FaultInputs
from stethoscope.diagnosis.report.typical import typical_section
from stethoscope.report.html import tag
from stethoscope.report.page import Section, section


def fault_sections(
    inputs: DetectionInputs, faults: FaultInputs, archives: Sequence[Path]
) -> list[Section | None]:
    """Return the sections on faults, or one that gives the reason why there is no diagnosis.

    Parameters
    ----------
    inputs : DetectionInputs
        Of the detector; its feature store has the spectrograms.
    faults : FaultInputs
    archives : sequence of Path
        Archives or folders of the recordings.
    """
    if faults.reason:
        reason = tag("p", f"There is nothing to diagnose: {faults.reason}.")
        return [section("faults", "Groups of faults", reason)]
    return [
        group_section(faults),
        typical_section(inputs, faults, archives),
        accuracy_section(faults),
    ]
