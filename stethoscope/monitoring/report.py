"""The report: one self-contained HTML file that says what was found, shows why, and lets one hear
it.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from stethoscope.detection.report import sections
from stethoscope.detection.report.choice import choose
from stethoscope.detection.report.deviations import profiles
from stethoscope.detection.report.inputs import Inputs
from stethoscope.detection.report.listen import listening_cards
from stethoscope.diagnosis.report import fault_sections
from stethoscope.diagnosis.report_inputs import FaultInputs
from stethoscope.files import write_text
from stethoscope.report.html import page, tag

MAX_BYTES = 10_000_000
"""Largest report: pages beyond it are slow to open in a browser and in Kubeflow's viewer."""

_FRAME_BYTES = 100_000  # style, script and what holds the sections together


def write_report(
    path: str | os.PathLike[str],
    *,
    archives: Sequence[Path],
    features: str | os.PathLike[str],
    model: str | os.PathLike[str],
    results: str | os.PathLike[str],
    faults: FaultInputs | None = None,
) -> None:
    """Write the report of an evaluation.

    Parameters
    ----------
    path : path
        Written all or nothing.
    archives : sequence of Path
        Archives or folders of the recordings, for the clips that can be played; each is read once
        from start to end.
    features, model, results : path
        Folders of the feature store, the model and the evaluation.
    faults : FaultInputs, optional
        Of the diagnosis.

    Raises
    ------
    ModelError, DatasetError
        If one of the folders is incomplete.
    """
    inputs = Inputs.read(features=features, model=model, results=results)
    deviations = profiles(inputs)
    before = [sections.machines(inputs), sections.breakdowns(inputs), sections.cautions(inputs)]
    after: list[sections.Section | None] = [
        sections.bands(inputs, deviations),
        sections.score_distributions(inputs),
        sections.trade_offs(inputs),
        sections.clip_maps(inputs),
        sections.training(inputs),
        sections.settings(inputs),
        sections.skipped(inputs),
    ]
    if faults is not None:
        after = [*fault_sections(inputs, faults, archives), *after]
    groups = choose(inputs)
    used = sum(len(one.html.encode()) for one in (*before, *after) if one)
    cards, notes = listening_cards(
        inputs, deviations, archives, groups, MAX_BYTES - _FRAME_BYTES - used
    )
    contents = [one for one in (*before, sections.listening(groups, cards, notes), *after) if one]
    main = tag("main", [one.html for one in contents])
    write_text(
        path,
        page(sections.headline(inputs), sections.header(inputs, contents), main, sections.footer()),
    )
