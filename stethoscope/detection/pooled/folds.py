"""Folds of recordings, for scores by models that were fitted without them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.errors import DatasetError

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class RecordingOrder:
    """Where each clip's recording stands among its machine's, in the order of their names.

    Attributes
    ----------
    place : np.ndarray of int [shape=(n_clips,)]
        Place of the clip's recording, from 0.
    total : np.ndarray of int [shape=(n_clips,)]
        Recordings of the clip's machine.
    """

    place: Indices
    total: Indices

    @classmethod
    def of(cls, recordings: Sequence[str], machines: Sequence[str], owners: Indices) -> Self:
        """Order the recordings of every machine.

        Parameters
        ----------
        recordings : sequence of str
            Recording of each clip.
        machines : sequence of str
            Keys of the machines.
        owners : np.ndarray of int [shape=(n_clips,)]
            Machine of each clip, as an index of `machines`.

        Raises
        ------
        DatasetError
            If a machine has fewer than two recordings.
        """
        order = cls(np.empty_like(owners), np.empty_like(owners))
        for number, machine in enumerate(machines):
            own = np.flatnonzero(owners == number)
            names, which = np.unique(np.asarray(recordings)[own], return_inverse=True)
            if len(names) < 2:
                raise DatasetError(
                    f"{machine} has only {len(names)} normal recording to train on, "
                    "detector pooled-gmm needs 2 or more; record more, or leave this machine out"
                )
            order.place[own], order.total[own] = which, len(names)
        return order

    def interleaved(self, folds: int) -> Indices:
        """Return the fold of each clip when the recordings are dealt to the folds in turn."""
        return self.place % np.minimum(folds, self.total)

    def contiguous(self, folds: int) -> Indices:
        """Return the fold of each clip when each fold holds neighbouring recordings."""
        return self.place * np.minimum(folds, self.total) // self.total
