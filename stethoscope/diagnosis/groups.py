"""Groups of faults: the anomalous clips of machines whose faults nobody has labelled, divided by
how they sound.

Clips of several machines differ by machine before they differ by fault. Each anomalous clip is
therefore described by how it deviates from the normal clips of its own machine at its own
signal-to-noise ratio; described plainly, by its sound alone, clustering finds machines.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.clips import Clip, write_clips
from stethoscope.diagnosis.model import fault_label
from stethoscope.diagnosis.options import AUTOMATIC, Description, FaultOptions
from stethoscope.errors import DatasetError, ParameterError
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_csv, write_json
from stethoscope.progress import warn

Array = npt.NDArray[np.float64]

MOST_GROUPS = 9
"""Numbers of groups that are tried run from 1 to this."""
MOST_VARIANCES = 20
"""Components whose explained variance is told."""
TYPICAL = 3
"""Clips per group that are told as typical."""
LEAST_CLIPS = 6
"""Anomalous clips by which the number of groups can be chosen."""
LEAST_GROUP = 3
"""Clips of the smallest group, where the number of groups is chosen."""

_LEAST_NORMAL = 30
_MOST_COMPARED = 5000
_ALIKE = 0.05  # silhouettes that differ by less
_MAPPED = 3  # components of a clip that are kept for maps
_STARTS = 10  # of k-means, of which the best is kept
_FILE, _CLIPS, _TABLE = "fault_groups.json", "clips.csv", "fault_groups.csv"


@dataclass(frozen=True, slots=True)
class GroupedClip:
    """An anomalous clip and where it stands among the groups.

    Attributes
    ----------
    source, path : str
        The recording, as in the table of clips.
    start : float
        Where the clip begins in the recording, in seconds.
    machine : str
        Type and id, ``fan/00``.
    snr_db : float or None
    group : int
        From 1.
    distances : tuple of float
        To the centroid of every group, in standard deviations.
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

    @property
    def distance(self) -> float:
        """Distance to the centroid of its own group."""
        return self.distances[self.group - 1]


@dataclass(frozen=True)
class FaultGroups:
    """What came of grouping.

    Attributes
    ----------
    reason : str
        Why there are no groups; empty if there are.
    description : {"deviation", "plain"}
        How the clips were described.
    names : tuple of str
        A name per group, empty where nobody has named it.
    clips : tuple of GroupedClip
        The anomalous clips, in the store's order.
    centroids : tuple of tuple of float
        Of every group, in principal components.
    explained_variance : tuple of float
        Share of the variance that each of the first principal components explains.
    inertia : dict of int to float
        Sum of squared distances to the own centroid, by number of groups: the elbow curve.
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
        """What each group is called, ``fault 2`` or ``fault 2: clogging``."""
        return tuple(fault_label(group, name) for group, name in enumerate(self.names, start=1))

    @property
    def sizes(self) -> dict[int, int]:
        """Clips of every group."""
        return {
            number: sum(clip.group == number for clip in self.clips)
            for number in range(1, len(self.names) + 1)
        }

    def typical(self, group: int) -> list[GroupedClip]:
        """Return the clips nearest to the centroid of a group, counted from 1: the ones to listen
        to.
        """
        return sorted(
            (clip for clip in self.clips if clip.group == group), key=lambda clip: clip.distance
        )[:TYPICAL]

    def named(self, names: Sequence[str]) -> Self:
        """Return the same groups with names, in order; groups beyond the last name stay unnamed.

        Raises
        ------
        ParameterError
            If there are more names than groups.
        """
        if len(names) > len(self.names):
            raise ParameterError(
                f"fault_names has {len(names)} names, but there are {len(self.names)} groups; give at most one for each"
            )
        return replace(self, names=(*names, *self.names[len(names) :]))

    def label(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return clips with their ``fault_group``: 0 normal, 1..k as grouped, -1 neither.

        An altered version of a recording, told by its ``augmentation``, has the group of the
        recording.
        """
        groups = {(one.source, one.path, one.start): one.group for one in self.clips}
        return [
            replace(
                clip,
                fault_group=0
                if clip.condition == "normal"
                else groups.get((clip.source, clip.path, clip.start), -1),
            )
            for clip in clips
        ]

    def write(self, folder: str | os.PathLike[str], clips: Sequence[Clip]) -> None:
        """Write ``fault_groups.json``, ``fault_groups.csv`` (anomalous clips with their distances)
        and ``clips.csv`` (all, labelled).
        """
        folder = Path(folder)
        write_json(folder / _FILE, asdict(self))
        write_clips(folder / _CLIPS, self.label(clips))
        names = self.labels
        header = ("source", "path", "machine", "snr_db", "group", "label")
        rows: list[Sequence[object]] = [
            (*header, *(f"distance to fault {i + 1}" for i in range(len(names))))
        ]
        for one in self.clips:
            known = (one.source, one.path, one.machine, one.snr_db, one.group, names[one.group - 1])
            rows.append((*known, *(f"{distance:.4f}" for distance in one.distances)))
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
            GroupedClip(
                **{**one, "distances": tuple(one["distances"]), "position": tuple(one["position"])}
            )
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


def group_faults(store: FeatureStore, options: FaultOptions) -> FaultGroups:
    """Group the anomalous clips of a store, those that came unaltered.

    The clips' descriptions are standardised, reduced to principal components and grouped by
    k-means.

    Parameters
    ----------
    store : FeatureStore
        Of mel-frequency cepstral coefficients, say.
    options : FaultOptions

    Returns
    -------
    FaultGroups
        Without groups, but with the reason, if grouping is switched off, or the clips are too few
        for it or have no normal ones to be compared with.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.metrics import silhouette_score

    anomalous = store.where(lambda clip: clip.condition == "anomaly" and not clip.augmentation)
    if reason := nothing_to_group([store.clips[index] for index in anomalous], options):
        return FaultGroups(reason=reason)
    described = np.array(
        [store.clip_frames(index).mean(axis=0, dtype=np.float64) for index in anomalous]
    )
    if options.description == "deviation":
        try:
            described -= _own_normal(store, anomalous)
        except DatasetError as error:
            return FaultGroups(reason=str(error))
    distinct = len(np.unique(described, axis=0))
    if options.groups > distinct:
        return FaultGroups(
            reason=f"fault_groups is {options.groups}, but there are {distinct} distinct anomalous clips; choose at most as many, or -1"
        )
    spread = described.std(axis=0)
    standard = (described - described.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    with np.errstate(invalid="ignore"):  # the share of a single clip's variance, which is nothing
        pca = PCA(min(MOST_VARIANCES, *standard.shape), svd_solver="full").fit(standard)
    components = pca.transform(standard)
    reduced = components[:, : options.components]

    tried = {
        k: KMeans(k, n_init=_STARTS, random_state=options.seed).fit(reduced)
        for k in range(1, min(MOST_GROUPS, distinct) + 1)
    }
    # A silhouette compares groups: it needs two, and a clip more than groups.
    # Every clip is compared with every other, so of very many a draw.
    drawn = np.random.default_rng(options.seed).permutation(len(reduced))[:_MOST_COMPARED]
    silhouette = {
        k: float(silhouette_score(reduced[drawn], tried[k].labels_[drawn]))
        for k in tried
        if 2 <= len(np.unique(tried[k].labels_[drawn])) < len(drawn)
    }
    count = options.groups
    if count == AUTOMATIC:
        # A group of one or two recordings cannot be learned and tested; it is an outlier, not a
        # kind of fault.
        large = [k for k in silhouette if np.bincount(tried[k].labels_).min() >= LEAST_GROUP]
        count = _number_of_groups(
            {k: float(model.inertia_) for k, model in tried.items()},
            {k: silhouette[k] for k in large} or silhouette,
        )
    if len(options.names) > count:
        warn(
            f"fault_names has {len(options.names)} names, but {count} groups were found; they stay unnamed"
        )
    names = options.names if len(options.names) <= count else ()
    found = tried.get(count) or KMeans(count, n_init=_STARTS, random_state=options.seed).fit(
        reduced
    )

    # k-means numbers its groups by chance; the largest is fault 1.
    order = np.argsort(-np.bincount(found.labels_, minlength=count), kind="stable")
    centroids = found.cluster_centers_[order]
    distances = np.linalg.norm(reduced[:, np.newaxis] - centroids, axis=2)
    group = np.argsort(order)[found.labels_] + 1
    clips = [store.clips[index] for index in anomalous]
    return FaultGroups(
        description=options.description,
        names=(*names, *[""] * (count - len(names))),
        clips=tuple(
            GroupedClip(
                clip.source,
                clip.path,
                clip.start,
                clip.machine,
                clip.snr_db,
                int(g),
                tuple(d.tolist()),
                tuple(c[:_MAPPED].tolist()),
            )
            for clip, g, d, c in zip(clips, group, distances, components, strict=True)
        ),
        centroids=tuple(tuple(centroid.tolist()) for centroid in centroids),
        explained_variance=tuple(
            np.nan_to_num(pca.explained_variance_ratio_).tolist()
        ),  # of nothing: all clips are alike
        inertia={k: float(model.inertia_) for k, model in tried.items()},
        silhouette=silhouette,
    )


def _number_of_groups(inertia: Mapping[int, float], silhouette: Mapping[int, float]) -> int:
    """Return the number at the elbow if its silhouette is about as high as the highest, otherwise
    that of the highest; 1 without any.

    The elbow is where the inertia lies farthest below the straight line from its first value to its
    last.
    """
    if not silhouette:
        return 1
    numbers = np.array(sorted(inertia))
    values = np.array([inertia[k] for k in numbers])
    line = values[0] + (values[-1] - values[0]) * (numbers - numbers[0]) / max(
        numbers[-1] - numbers[0], 1
    )
    elbow = int(numbers[np.argmax(line - values)])
    highest = max(silhouette, key=silhouette.__getitem__)
    return elbow if silhouette.get(elbow, -1.0) >= silhouette[highest] - _ALIKE else highest


def clips_to_compare(clips: Sequence[Clip], options: FaultOptions) -> list[Clip]:
    """Return the anomalous clips and some normal ones of their machines; nothing if there is
    nothing to group.

    Normal clips are drawn by recording, the same at every signal-to-noise ratio.
    """
    anomalous = [clip for clip in clips if clip.condition == "anomaly" and not clip.augmentation]
    if nothing_to_group(anomalous, options):
        return []
    counts = Counter((clip.machine, clip.snr_db) for clip in anomalous)
    normal = [clip for clip in clips if clip.condition == "normal" and not clip.augmentation]
    names = sorted({clip.recording for clip in normal})
    rank = dict(
        zip(
            names, np.random.default_rng(options.seed).permutation(len(names)).tolist(), strict=True
        )
    )
    taken: Counter[tuple[str, float | None]] = Counter()
    drawn = []
    for clip in sorted(normal, key=lambda clip: rank[clip.recording]):
        place = (clip.machine, clip.snr_db)
        most = {AUTOMATIC: max(_LEAST_NORMAL, counts[place]), 0: len(normal)}.get(
            options.normal_clips, options.normal_clips
        )
        if place in counts and taken[place] < most:
            taken[place] += 1
            drawn.append(clip)
    chosen = {id(clip) for clip in (*anomalous, *drawn)}
    return [clip for clip in clips if id(clip) in chosen]


def nothing_to_group(anomalous: Sequence[Clip], options: FaultOptions) -> str:
    """Return why anomalous clips cannot be grouped, as far as their table tells; empty if they can."""
    if options.groups == 0:
        return "fault_groups is 0: faults are not grouped"
    if not anomalous:
        return "no clip is anomalous"
    least = LEAST_CLIPS if options.groups == AUTOMATIC else max(options.groups, 1)
    if len(anomalous) < least:
        wanted = (
            "a number of groups cannot be chosen by itself"
            if options.groups == AUTOMATIC
            else f"fault_groups is {options.groups}"
        )
        clips = "clip is" if len(anomalous) == 1 else "clips are"
        return f"only {len(anomalous)} {clips} anomalous, and {wanted}; record more, or set fault_groups to at most as many"
    return ""


def _own_normal(store: FeatureStore, anomalous: npt.NDArray[np.intp]) -> Array:
    """Return for every anomalous clip the mean of its machine's normal clips at its ratio
    [shape=(n_clips, n_values)].
    """
    normal: dict[tuple[str, float | None], list[Array]] = {}
    for index in store.where(lambda clip: clip.condition == "normal" and not clip.augmentation):
        clip = store.clips[index]
        normal.setdefault((clip.machine, clip.snr_db), []).append(
            store.clip_frames(index).mean(axis=0, dtype=np.float64)
        )
    rows = []
    for index in anomalous:
        clip = store.clips[index]
        own = normal.get((clip.machine, clip.snr_db))
        if own is None:
            at = "" if clip.snr_db is None else f" at {clip.snr_db:g} dB"
            raise DatasetError(
                f"{clip.machine}{at} has anomalous clips, but no normal ones to compare with; set fault_description=plain"
            )
        rows.append(np.mean(own, axis=0))
    return np.array(rows)
