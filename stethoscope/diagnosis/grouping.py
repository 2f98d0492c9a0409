"""Group the anomalous clips of a feature store by fault."""

import os
from collections.abc import Sequence

import numpy as np

from stethoscope.datasets.clips import Clip
from stethoscope.diagnosis.clips import reason_against_groups
from stethoscope.diagnosis.clustering import (
    MOST_GROUPS,
    Array,
    Clustering,
    choose_number,
    cluster,
    silhouettes,
)
from stethoscope.diagnosis.describe import describe, principal_components
from stethoscope.diagnosis.groups import FaultGroups, GroupedClip
from stethoscope.diagnosis.options import AUTOMATIC, FaultOptions
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder
from stethoscope.progress import warn

_MAPPED = 3  # components of a clip that are kept for maps


def find_groups(
    features: str | os.PathLike[str], options: FaultOptions, folder: str | os.PathLike[str]
) -> FaultGroups:
    """Group the anomalous clips of a store, and write a folder, all or nothing.

    The files are those of :meth:`stethoscope.diagnosis.groups.FaultGroups.write`.
    """
    store = FeatureStore.open(features)
    groups = group_faults(store, options)
    with atomic_folder(folder) as temporary:
        groups.write(temporary, store.clips)
    return groups


def group_faults(store: FeatureStore, options: FaultOptions) -> FaultGroups:
    """Group the anomalous clips of a store, without their altered versions.

    The clips' descriptions are standardised, reduced to principal components and grouped by
    k-means.

    Parameters
    ----------
    store : FeatureStore
        For example of mel-frequency cepstral coefficients.
    options : FaultOptions

    Returns
    -------
    FaultGroups
        Without groups, but with the reason, if grouping is switched off, the clips are too few for
        it, or there are no normal clips to compare them with.
    """
    anomalous = store.where(lambda clip: clip.condition == "anomaly" and not clip.augmentation)
    clips = [store.clips[index] for index in anomalous]
    if reason := reason_against_groups(clips, options):
        return FaultGroups(reason=reason)
    try:
        described = describe(store, anomalous, options.description)
    except DatasetError as error:
        return FaultGroups(reason=str(error))
    distinct = len(np.unique(described, axis=0))
    if options.groups > distinct:
        reason = (
            f"fault_groups is {options.groups}, but there are {distinct} distinct anomalous clips; "
            "choose at most as many, or -1"
        )
        return FaultGroups(reason=reason)
    components, explained_variance = principal_components(described)
    points = components[:, : options.components]
    tried = {
        number: cluster(points, number, options.seed)
        for number in range(1, min(MOST_GROUPS, distinct) + 1)
    }
    silhouette = silhouettes(points, tried, options.seed)
    count = options.groups
    if count == AUTOMATIC:
        count = choose_number(tried, silhouette)
    found = tried[count] if count in tried else cluster(points, count, options.seed)
    return FaultGroups(
        description=options.description,
        names=_names(options.names, count),
        clips=_grouped_clips(clips, found, points, components[:, :_MAPPED]),
        centroids=tuple(map(tuple, found.centroids.tolist())),
        explained_variance=explained_variance,
        inertia={number: clustering.inertia for number, clustering in tried.items()},
        silhouette=silhouette,
    )


def _names(names: Sequence[str], count: int) -> tuple[str, ...]:
    """Return a name for each of `count` groups, empty where none is given."""
    if len(names) > count:
        warn(
            f"fault_names has {len(names)} names, but {count} groups were found; "
            "the groups stay unnamed"
        )
        names = ()
    return (*names, *[""] * (count - len(names)))


def _grouped_clips(
    clips: Sequence[Clip], found: Clustering, points: Array, positions: Array
) -> tuple[GroupedClip, ...]:
    """Return every clip with its group, counted from 1, and its distances to all centroids."""
    distances = np.linalg.norm(points[:, np.newaxis] - found.centroids, axis=2)
    return tuple(
        GroupedClip(
            source=clip.source,
            path=clip.path,
            start=clip.start,
            end=clip.end,
            machine=clip.machine,
            snr_db=clip.snr_db,
            group=int(group) + 1,
            distances=tuple(to_centroids.tolist()),
            position=tuple(position.tolist()),
        )
        for clip, group, to_centroids, position in zip(
            clips, found.group, distances, positions, strict=True
        )
    )
