"""The description of clips by which they are grouped by fault.

It is the mean frame, compared with the normal clips of the machine, and reduced to principal
components. Clips of several machines differ by machine before they differ by fault. Each anomalous
clip is therefore described by its deviation from the normal clips of its own machine at its own
signal-to-noise ratio. Grouping the mean frames themselves gives groups of machines.
"""

import numpy as np
import numpy.typing as npt

from stethoscope.diagnosis.options import Description
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

MOST_VARIANCES = 20
"""Principal components that are computed."""


def describe(store: FeatureStore, clips: Indices, description: Description) -> Array:
    """Return the description of some anomalous clips.

    Parameters
    ----------
    store : FeatureStore
    clips : np.ndarray of int [shape=(n_clips,)]
    description : {"deviation", "plain", "flat"}
        A clip's mean frame less that of the normal clips of its machine id and signal-to-noise
        ratio; or its mean frame; or all its frames end to end, with as many frames as the median
        of these clips has: of a longer clip the first ones, and a shorter one repeats its own.

    Returns
    -------
    np.ndarray [shape=(n_clips, n_values)]

    Raises
    ------
    DatasetError
        If the description is the deviation, and a machine has no normal clips.
    """
    if description == "flat":
        length = int(np.median(store.n_frames[clips]))
        return np.array([_flat_frames(store, index, length) for index in clips])
    means = np.array([_mean_frame(store, index) for index in clips])
    return means - _normal_means(store, clips) if description == "deviation" else means


def principal_components(described: Array) -> tuple[Array, tuple[float, ...]]:
    """Return the principal components of standardised descriptions.

    Parameters
    ----------
    described : np.ndarray [shape=(n_clips, n_values)]

    Returns
    -------
    components : np.ndarray [shape=(n_clips, n_components)]
        At most :data:`MOST_VARIANCES`.
    explained_variance : tuple of float
        The fraction of the variance that each of them explains.
    """
    from stethoscope.diagnosis.scikit import PCA

    deviation = described.std(axis=0)
    standard = (described - described.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    # Where all clips are equal, the fraction of a variance of 0 is not a number.
    with np.errstate(invalid="ignore"):
        pca = PCA(min(MOST_VARIANCES, *standard.shape), svd_solver="full").fit(standard)
    explained = np.nan_to_num(pca.explained_variance_ratio_)
    return pca.transform(standard), tuple(explained.tolist())


def _flat_frames(store: FeatureStore, index: int, length: int) -> Array:
    """Return values by coefficient and, within each, by time, as in a flattened spectrogram."""
    frames = np.asarray(store.clip_frames(index), dtype=np.float64)
    return np.resize(frames, (length, frames.shape[1])).T.ravel()


def _mean_frame(store: FeatureStore, index: int) -> Array:
    mean: Array = store.clip_frames(index).mean(axis=0, dtype=np.float64)
    return mean


def _normal_means(store: FeatureStore, clips: Indices) -> Array:
    """Return for every clip the mean frame of the normal clips [shape=(n_clips, n_values)].

    The normal clips are those of the same machine at the same signal-to-noise ratio.
    """
    normal: dict[tuple[str, float | None], list[Array]] = {}
    for index in store.where(lambda clip: clip.condition == "normal" and not clip.augmentation):
        clip = store.clips[index]
        normal.setdefault((clip.machine, clip.snr_db), []).append(_mean_frame(store, index))
    rows = []
    for index in clips:
        clip = store.clips[index]
        own = normal.get((clip.machine, clip.snr_db))
        if own is None:
            at = "" if clip.snr_db is None else f" at {clip.snr_db:g} dB"
            raise DatasetError(
                f"{clip.machine}{at} has anomalous clips, but no normal ones to compare with; "
                "set fault_description=plain"
            )
        rows.append(np.mean(own, axis=0))
    return np.array(rows)
