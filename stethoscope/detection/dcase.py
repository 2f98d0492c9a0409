"""Result files in the formats of the DCASE challenge's Task 2.

The score files are those that its evaluators read, the tables those that its baselines write.

* ``2020``: ``anomaly_score_<type>_id_<NN>.csv``; ``result.csv`` with ``id,AUC,pAUC`` and
  ``Average``
* ``2021``: ``anomaly_score_<type>_section_<NN>_<source|target>_test.csv``;
  ``section,domain,AUC,...`` and both means
* ``2022``: ``anomaly_score_<type>_section_<NN>_test.csv``; ``section,AUC (source),AUC
  (target),...`` and both means

The format of 2022 has not changed since. Score files have no header. They have a row
``name.wav,score`` per clip, in the order of names, because the evaluators pair them with the truth
by order. From 2021 on there are also decision files, ``decision_result_...``, with 0 or 1 instead
of the score. ``result.csv`` has a block per machine type; figures that cannot be computed are
``n/a`` and left out of the means.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from stethoscope.detection.options import MAX_FPR
from stethoscope.detection.scores import ScoredClip
from stethoscope.errors import ParameterError
from stethoscope.files import write_csv
from stethoscope.stats.roc import area_under_curve

Naming = Literal["2020", "2021", "2022"]

NOT_COMPUTABLE = "n/a"

_DOMAINS = ("source", "target")
_DECIDED = ("precision", "recall", "F1 score")

Cell = str | float | None


def write_results(
    folder: str | os.PathLike[str],
    scored: Sequence[ScoredClip],
    *,
    max_fpr: float = MAX_FPR.default,
    naming: Naming | None = None,
) -> list[Path]:
    """Write score files, decision files and ``result.csv`` into a folder.

    Parameters
    ----------
    folder : path
    scored : sequence of ScoredClip
        Test clips.
    max_fpr : float
        Largest false-positive rate of the pAUC.
    naming : {"2020", "2021", "2022"}, optional
        The year of the format; by default taken from the clips' names (:func:`naming_of`).

    Returns
    -------
    list of Path
        The files written, ``result.csv`` last.

    Raises
    ------
    ParameterError
        If `naming` is unknown, or ``2021`` is wanted of clips without a domain.
    """
    naming = naming or naming_of(scored)
    if naming not in ("2020", "2021", "2022"):
        raise ParameterError(f"result naming is {naming!r}; choose 2020, 2021 or 2022")
    if naming == "2021" and not all(clip.domain in _DOMAINS for clip in scored):
        raise ParameterError(
            "result naming 2021 needs a domain, source or target, for every clip; "
            "choose 2020 or 2022"
        )
    folder = Path(folder)
    written = []
    for suffix, clips in _files(scored, naming).items():
        names = _official_names(clips)
        scores = [(name, float(clip.score)) for name, clip in names]
        written.append(_write(folder / f"anomaly_score_{suffix}.csv", scores))
        if naming != "2020":
            decisions = [(name, int(clip.decision)) for name, clip in names]
            written.append(_write(folder / f"decision_result_{suffix}.csv", decisions))
    table = {"2020": _table_2020, "2021": _table_2021, "2022": _table_2022}[naming]
    rows: list[list[Cell]] = []
    for machine_type in sorted({clip.machine_type for clip in scored}):
        rows += [
            [machine_type],
            *table([clip for clip in scored if clip.machine_type == machine_type], max_fpr),
            [],
        ]
    written.append(_write(folder / "result.csv", rows))
    return written


def naming_of(scored: Iterable[ScoredClip]) -> Naming:
    """Return the year whose naming the clips follow.

    In 2021 each domain has a folder of its own. From 2021 on names contain a section.
    """
    paths = [PurePosixPath(clip.path) for clip in scored]
    if any(
        folder in ("source_test", "target_test") for path in paths for folder in path.parts[:-1]
    ):
        return "2021"
    return "2022" if any(path.name.startswith("section_") for path in paths) else "2020"


def _files(scored: Iterable[ScoredClip], naming: Naming) -> dict[str, list[ScoredClip]]:
    files: dict[str, list[ScoredClip]] = {}
    for clip in scored:
        suffix = {
            "2020": f"{clip.machine_type}_id_{clip.machine_id}",
            "2021": f"{clip.machine_type}_section_{clip.machine_id}_{clip.domain}_test",
            "2022": f"{clip.machine_type}_section_{clip.machine_id}_test",
        }[naming]
        files.setdefault(suffix, []).append(clip)
    return dict(sorted(files.items()))


def _official_names(clips: Sequence[ScoredClip]) -> list[tuple[str, ScoredClip]]:
    """Return each clip with the name of its file, sorted by name.

    Where names repeat, as those of MIMII do, the whole path is the name. A clip that was cut from
    a long recording is named as if it were a file: with its start in seconds before the ending.
    """
    names = [_official_name(PurePosixPath(clip.path).name, clip) for clip in clips]
    if len(set(names)) < len(names):
        names = [_official_name(clip.path.replace("/", "_"), clip) for clip in clips]
    if len(set(names)) < len(names):
        names = [f"{clip.source}_{name}" for clip, name in zip(clips, names, strict=True)]
    return sorted(zip(names, clips, strict=True), key=lambda pair: pair[0])


def _official_name(name: str, clip: ScoredClip) -> str:
    if not clip.end:
        return name
    path = PurePosixPath(name)
    return f"{path.stem}_{clip.start:010.3f}{path.suffix}"


def _table_2020(clips: Sequence[ScoredClip], max_fpr: float) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for machine_id in sorted({clip.machine_id for clip in clips}):
        own = [clip for clip in clips if clip.machine_id == machine_id]
        rows.append([machine_id, _auc(own), _auc(own, max_fpr)])
    return [["id", "AUC", "pAUC"], *rows, ["Average", *_means(rows, start=1)[0]]]


def _table_2021(clips: Sequence[ScoredClip], max_fpr: float) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for domain in _DOMAINS:
        for section in sorted({clip.machine_id for clip in clips if clip.domain == domain}):
            own = [clip for clip in clips if clip.domain == domain and clip.machine_id == section]
            rows.append([section, domain, _auc(own), _auc(own, max_fpr), *_decided(own)])
    arithmetic, harmonic = _means(rows, start=2)
    return [
        ["section", "domain", "AUC", "pAUC", *_DECIDED],
        *rows,
        ["arithmetic mean", "", *arithmetic],
        ["harmonic mean", "", *harmonic],
    ]


def _table_2022(clips: Sequence[ScoredClip], max_fpr: float) -> list[list[Cell]]:
    domains = [domain for domain in _DOMAINS if any(clip.domain == domain for clip in clips)]
    header = ["AUC", "pAUC", *_DECIDED]
    if domains:
        header = [
            *(f"AUC ({domain})" for domain in domains),
            "pAUC",
            *(f"{name} ({domain})" for name in _DECIDED for domain in domains),
        ]
    rows: list[list[Cell]] = []
    for section in sorted({clip.machine_id for clip in clips}):
        own = [clip for clip in clips if clip.machine_id == section]
        if domains:
            rows.append([section, *_figures_by_domain(own, domains, max_fpr)])
        else:
            rows.append([section, _auc(own), _auc(own, max_fpr), *_decided(own)])
    arithmetic, harmonic = _means(rows, start=1)
    return [
        ["section", *header],
        *rows,
        ["arithmetic mean", *arithmetic],
        ["harmonic mean", *harmonic],
    ]


def _figures_by_domain(
    clips: Sequence[ScoredClip], domains: Sequence[str], max_fpr: float
) -> list[float | None]:
    """Return the figures of a section: AUC by domain, pAUC, then the decisions' by domain.

    The AUC of a domain compares its normal clips with the anomalous clips of both domains.
    """
    aucs = [
        _auc([clip for clip in clips if clip.domain == domain or clip.condition == "anomaly"])
        for domain in domains
    ]
    decided = [_decided([clip for clip in clips if clip.domain == domain]) for domain in domains]
    by_figure = [figure for figures in zip(*decided, strict=True) for figure in figures]
    return [*aucs, _auc(clips, max_fpr), *by_figure]


def _auc(clips: Iterable[ScoredClip], max_fpr: float = 1.0) -> float | None:
    known = [clip for clip in clips if clip.condition != "unknown"]
    return area_under_curve(
        [clip.score for clip in known],
        [clip.condition == "anomaly" for clip in known],
        max_fpr=max_fpr,
    )


def _decided(clips: Iterable[ScoredClip]) -> list[float | None]:
    """Return precision, recall and F1.

    As in the evaluators, they are 0 where no clip was called anomalous.
    """
    known = [clip for clip in clips if clip.condition != "unknown"]
    anomalies = sum(clip.condition == "anomaly" for clip in known)
    if anomalies in (0, len(known)):
        return [None] * 3
    called = sum(clip.decision for clip in known)
    hits = sum(clip.decision and clip.condition == "anomaly" for clip in known)
    return [hits / max(called, 1), hits / anomalies, 2 * hits / (called + anomalies)]


def _means(
    rows: Sequence[Sequence[Cell]], start: int
) -> tuple[list[float | None], list[float | None]]:
    """Return arithmetic and harmonic means of the columns from `start` on.

    As in the evaluators, a zero counts as epsilon.
    """
    arithmetic: list[float | None] = []
    harmonic: list[float | None] = []
    for column in zip(*(row[start:] for row in rows), strict=True):
        values = np.array([value for value in column if value is not None], dtype=np.float64)
        arithmetic.append(float(values.mean()) if len(values) else None)
        harmonic.append(
            float(1 / (1 / np.maximum(values, np.finfo(float).eps)).mean()) if len(values) else None
        )
    return arithmetic, harmonic


def _write(path: Path, rows: Iterable[Sequence[Cell]]) -> Path:
    write_csv(path, ([NOT_COMPUTABLE if cell is None else cell for cell in row] for row in rows))
    return path
