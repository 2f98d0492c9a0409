"""Groups of faults: anomalous clips without labels, divided by their sound."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from stethoscope.datasets.clips import Clip, write_clips
from stethoscope.diagnosis.model import fault_label
from stethoscope.diagnosis.options import Description
from stethoscope.files import read_json, write_csv, write_json

TYPICAL = 3
"""Clips per group that are listed as typical."""
_FILE, _CLIPS, _TABLE = "fault_groups.json", "clips.csv", "fault_groups.csv"


@dataclass(frozen=True, slots=True)
class GroupedClip:
    """An anomalous clip, its group and its distances to all groups.

    Attributes
    ----------
    source, path : str
        The recording, as in the table of clips.
    start, end : float
        The clip in the recording, in seconds, as in the table of clips.
    machine : str
        Type and id, ``fan/00``.
    snr_db : float or None
    group : int
        From 1.
    distances : tuple of float
        To the centroid of every group, in the space of the principal components.
    position : tuple of float
        The first principal components, at most three.
    """

    source: str
    path: str
    start: float
    machine: str
    snr_db: float | None
    group: int
    distances: tuple[float, ...]
    position: tuple[float, ...]
    end: float = 0.0

    @property
    def distance(self) -> float:
        """The distance to the centroid of its own group."""
        return self.distances[self.group - 1]


@dataclass(frozen=True)
class FaultGroups:
    """The result of grouping.

    Attributes
    ----------
    reason : str
        Why there are no groups; empty if there are groups.
    description : {"deviation", "plain", "flat"}
        How the clips were described.
    names : tuple of str
        A name per group, empty where a group has none.
    clips : tuple of GroupedClip
        The anomalous clips, in the store's order.
    centroids : tuple of tuple of float
        Of every group, in principal components.
    explained_variance : tuple of float
        Fraction of the variance that each of the first principal components explains.
    inertia : dict of int to float
        Sum of squared distances of the clips to the centroid of their group, by number of groups:
        the elbow curve.
    silhouette : dict of int to float
        Mean silhouette, by number of groups from 2.
    """

    reason: str = ""
    description: Description = "deviation"
    names: tuple[str, ...] = ()
    clips: tuple[GroupedClip, ...] = ()
    centroids: tuple[tuple[float, ...], ...] = ()
    explained_variance: tuple[float, ...] = ()
    inertia: Mapping[int, float] = field(default_factory=dict)
    silhouette: Mapping[int, float] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each group, ``fault 2`` or ``fault 2: clogging``."""
        return tuple(fault_label(group, name) for group, name in enumerate(self.names, start=1))

    @property
    def sizes(self) -> dict[int, int]:
        """The number of clips of each group."""
        return {
            number: sum(clip.group == number for clip in self.clips)
            for number in range(1, len(self.names) + 1)
        }

    def typical(self, group: int) -> list[GroupedClip]:
        """Return the clips nearest to the centroid of a group, counted from 1."""
        own = [clip for clip in self.clips if clip.group == group]
        return sorted(own, key=lambda clip: clip.distance)[:TYPICAL]

    def label(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return clips with their ``fault_group``: 0 normal, 1 and up the group, -1 neither.

        An altered version of a clip has the group of the clip.
        """
        groups = {(one.source, one.path, one.start): one.group for one in self.clips}

        def group(clip: Clip) -> int:
            if clip.condition == "normal":
                return 0
            return groups.get((clip.source, clip.path, clip.start), -1)

        return [replace(clip, fault_group=group(clip)) for clip in clips]

    def write(self, folder: str | os.PathLike[str], clips: Sequence[Clip]) -> None:
        """Write ``fault_groups.json``, ``fault_groups.csv`` and ``clips.csv`` into a folder.

        The first table holds the anomalous clips with their distances, the second all clips with
        their ``fault_group``.
        """
        folder = Path(folder)
        write_json(folder / _FILE, asdict(self))
        write_clips(folder / _CLIPS, self.label(clips))
        names = self.labels
        header = ("source", "path", "start", "end", "machine", "snr_db", "group", "label")
        rows: list[Sequence[object]] = [
            (*header, *(f"distance to fault {i + 1}" for i in range(len(names))))
        ]
        for one in self.clips:
            known = (one.source, one.path, one.start, one.end, one.machine, one.snr_db)
            answer = (one.group, names[one.group - 1])
            rows.append((*known, *answer, *(f"{distance:.4f}" for distance in one.distances)))
        write_csv(folder / _TABLE, rows)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Self:
        """Read what :meth:`write` wrote.

        Raises
        ------
        ModelError
            If it is missing or damaged.
        """
        value = read_json(Path(folder) / _FILE)
        clips = [
            GroupedClip(**{name: _as_tuple(part) for name, part in one.items()})
            for one in value["clips"]
        ]
        inertia, silhouette = (
            {int(k): figure for k, figure in value[name].items()}
            for name in ("inertia", "silhouette")
        )
        return cls(
            reason=value["reason"],
            description=value["description"],
            names=tuple(value["names"]),
            clips=tuple(clips),
            centroids=tuple(map(tuple, value["centroids"])),
            explained_variance=tuple(value["explained_variance"]),
            inertia=inertia,
            silhouette=silhouette,
        )


def _as_tuple(value: Any) -> Any:
    """Return a list, as JSON has it, as a tuple; anything else as it is."""
    return tuple(value) if isinstance(value, list) else value
