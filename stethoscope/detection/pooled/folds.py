"""Folds of recordings, for scores by models that were fitted without them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.names import places
from stethoscope.datasets.splits import known_sessions
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
    session : np.ndarray of int [shape=(n_clips,)]
        Place of the clip's recording session among its machine's, from 0.
    sessions : np.ndarray of int [shape=(n_clips,)]
        Recording sessions of the clip's machine; 1 where they are not known.
    """

    place: Indices
    total: Indices
    session: Indices
    sessions: Indices

    @classmethod
    def of(cls, clips: Sequence[Clip], machines: Sequence[str], owners: Indices) -> Self:
        """Order the recordings of every machine.

        Parameters
        ----------
        clips : sequence of Clip
        machines : sequence of str
            Keys of the machines.
        owners : np.ndarray of int [shape=(n_clips,)]
            Machine of each clip, as an index of `machines`.

        Raises
        ------
        DatasetError
            If a machine has fewer than two recordings.
        """
        order = cls(*(np.empty_like(owners) for _ in range(4)))
        for number, machine in enumerate(machines):
            own = np.flatnonzero(owners == number).tolist()
            which, count = places([clips[i].recording for i in own])
            if count < 2:
                raise DatasetError(
                    f"{machine} has only {count} normal recording to train on, "
                    "detector pooled-gmm needs 2 or more; record more, or leave this machine out"
                )
            order.place[own], order.total[own] = which, count
            which, count = places(known_sessions([clips[i] for i in own]))
            order.session[own], order.sessions[own] = which, count
        return order

    def interleaved(self, folds: int) -> Indices:
        """Return the fold of each clip when the recordings are dealt to the folds in turn.

        Where a machine has several sessions, a fold holds whole sessions instead.
        """
        dealt = self.place % np.minimum(folds, self.total)
        whole = self.session * np.minimum(folds, self.sessions) // self.sessions
        return np.where(self.sessions > 1, whole, dealt)

    def contiguous(self, folds: int) -> Indices:
        """Return the fold of each clip when each fold holds neighbouring recordings."""
        return self.place * np.minimum(folds, self.total) // self.total
