"""A run in a Python program or a notebook: its figures, tables and model."""

import html
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stethoscope.errors import ParameterError
from stethoscope.files import read_csv, read_json
from stethoscope.terminal import suggestion

if TYPE_CHECKING:
    from stethoscope.api.model import Model

_SUMMARY = "summary.json"
_NO_FIGURES = ("settings", "steps", "seconds", "max_fpr", "tolerance")
_OFFICIAL = ("anomaly_score_", "decision_result_", "result")
_NAMES = ("machine", "label", "fold")


def run(
    dataset_url: str | os.PathLike[str] | None = None,
    *,
    pipeline: str = "main",
    output: str | os.PathLike[str] | None = None,
    keep: bool = False,
    **parameters: Any,
) -> "Run":
    """Run a pipeline on this computer, as ``stethoscope run`` does.

    Parameters
    ----------
    dataset_url : str or path, optional
        Path, folder, address, name of the catalogue, or ``simulated/<machine>``.
    pipeline : str
        ``main``, ``detect``, ``event-detection`` or ``sound-classification``.
    output : path, optional
        Folder for the results; ``runs/<pipeline>-<time>`` by default.
    keep : bool
        Keep the outputs of all steps, in the folder ``work``.
    **parameters
        Parameters of the pipeline that differ from their defaults.

    Raises
    ------
    ParameterError
        If a parameter is unknown or has a value that cannot work.
    RunError
        If a step fails.

    Examples
    --------
    >>> done = stethoscope.run("simulated/fan", fault_groups=0)  # doctest: +SKIP
    >>> done.figures["evaluation.overall.auc"]  # doctest: +SKIP
    0.96
    """
    from stethoscope.kubeflow.folder import new_folder
    from stethoscope.runs.run import run as execute

    if dataset_url is not None:
        parameters["dataset_url"] = os.fspath(dataset_url)
    folder = Path(output) if output else new_folder(Path("runs"), pipeline)
    execute(pipeline, parameters, folder, keep=keep)
    return open_run(folder)


def open_run(folder: str | os.PathLike[str]) -> "Run":
    """Return a finished run by its folder.

    Raises
    ------
    ParameterError
        If the folder is not that of a finished run.
    """
    path = Path(folder)
    if not (path / _SUMMARY).is_file():
        raise ParameterError(f"{path}: holds no {_SUMMARY}; give the folder of a finished run")
    return Run(path.resolve(), read_json(path / _SUMMARY))


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run. In a notebook it is shown as a table of its figures.

    Attributes
    ----------
    folder : Path
    summary : dict
        The content of ``summary.json``: settings, figures with their intervals, warnings.
    """

    folder: Path
    summary: dict[str, Any] = field(repr=False)

    @property
    def figures(self) -> dict[str, float]:
        """The numbers of the summary by their place in it, ``evaluation.overall.auc``.

        Those of a machine or a label have its name, ``evaluation.overall.machines.fan/00.auc``.
        Numbers that could not be computed are missing; the summary says why.
        """
        return dict(_numbers(self.summary, ()))

    @property
    def warnings(self) -> list[str]:
        """What the run warned about."""
        return list(self.summary.get("warnings", ()))

    @property
    def report(self) -> Path:
        """The report, an HTML page."""
        return self.folder / "report.html"

    @property
    def tables(self) -> list[str]:
        """Names of the tables of results; the files in the form of DCASE are no tables."""
        names = sorted(path.stem for path in self.folder.glob("*.csv"))
        return [name for name in names if not name.startswith(_OFFICIAL)]

    def table(self, name: str) -> Any:
        """Return a table of results.

        Parameters
        ----------
        name : str
            One of :attr:`tables`.

        Returns
        -------
        pandas.DataFrame or list of dict
            A list, whose values are text, if pandas is not installed.

        Raises
        ------
        ParameterError
            If there is no such table.
        """
        if name not in self.tables:
            near = suggestion(name, self.tables) or f"there are {', '.join(self.tables)}"
            raise ParameterError(f"{self.folder} has no table {name!r}; {near}")
        path = self.folder / f"{name}.csv"
        try:
            import pandas as pd
        except ModuleNotFoundError:
            return list(read_csv(path))
        return pd.read_csv(path, dtype={"machine_id": str})

    def load(self) -> "Model":
        """Load the bundle of the run.

        Raises
        ------
        ModelError
            If the run has none.
        """
        from stethoscope.api.model import load

        return load(self.folder / "bundle")

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{html.escape(name)}</td><td>{value:.4g}</td></tr>"
            for name, value in self.figures.items()
        )
        return f"<p>{html.escape(str(self.folder))}</p><table>{rows}</table>"


def _numbers(value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """Yield the numbers inside a JSON value by their place."""
    if isinstance(value, Mapping):
        if "value" in value:
            yield from _numbers(value["value"], place)
            return
        for name, part in value.items():
            if name not in _NO_FIGURES and name not in _NAMES:
                yield from _numbers(part, (*place, name))
    elif isinstance(value, list):
        for part in value:
            name = (
                next((part[key] for key in _NAMES if key in part), None)
                if (isinstance(part, Mapping))
                else None
            )
            if name is not None:
                yield from _numbers(part, (*place, str(name)))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield ".".join(place), value
