"""Warnings, training curves and settings of a detector."""

import re
from collections.abc import Iterable

from stethoscope.counts import count
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.report.common import settings_section
from stethoscope.report.page import Section, section
from stethoscope.report.training import loss_charts

_MORE = re.compile(r" and \d+ more$")
"""What :func:`stethoscope.machines.format_machines` writes after the first machines of a list."""


def warning_texts(inputs: DetectionInputs) -> list[str]:
    """Return the warnings of the evaluation."""
    texts = _grouped(inputs.warnings, len(inputs.by_machine))
    if inputs.skipped:
        skipped = count(len(inputs.skipped), "recording")
        texts.append(f"{skipped} could not be used; they are listed at the end of this report.")
    return texts


def _grouped(warnings: Iterable[str], n_machines: int) -> list[str]:
    """Return warnings; those with the same text about several machines become one."""
    machines: dict[str, list[str]] = {}
    for warning in warnings:
        subject, _, text = warning.partition(": ")
        found = _MORE.search(subject)
        more = found[0] if found else ""
        keys = subject.removesuffix(more).split(", ")
        if text and all("/" in key and " " not in key for key in keys):
            names = [machine_name(key) for key in keys]
            machines.setdefault(text, []).extend([*names[:-1], names[-1] + more])
        else:
            machines.setdefault(warning, [])
    texts = []
    for text, names in machines.items():
        everyone = len(names) == n_machines > 3
        subject = f"all {n_machines} machines" if everyone else ", ".join(names)
        texts.append(f"{subject}: {text}" if names else text)
    return texts


def loss_section(inputs: DetectionInputs) -> Section | None:
    """Return the loss curves of the training; None for a detector that is fitted in one step."""
    if not any(any(map(len, losses.values())) for losses in inputs.curves.values()):
        return None
    return section("loss", "Training curves", loss_charts(inputs.curves), folded=True)


def detector_settings_section(inputs: DetectionInputs) -> Section:
    """Return the settings of the feature, the detector and the thresholds, and the versions."""
    no_settings = ("versions", "schema_version")
    settings = {
        **{name: value for name, value in inputs.model.items() if name not in no_settings},
        "feature": inputs.scorer.feature.to_json(),
        "threshold": {
            "method": inputs.thresholds.method,
            "false-alarm rate": inputs.thresholds.false_alarm_rate,
        },
    }
    return settings_section(settings, inputs.model.get("versions", {}))
