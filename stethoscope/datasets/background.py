"""Recordings that hold no event: the noise of places, from archives of any layout."""

import os
from collections.abc import Sequence
from contextlib import ExitStack

from stethoscope.datasets.archives import Archive, open_archive
from stethoscope.datasets.clips import Clip, Condition
from stethoscope.datasets.layouts import survey

BACKGROUND: Condition = "noise"
"""Condition of such recordings in the table of clips."""


def background_clips(archives: Sequence[str | os.PathLike[str]]) -> list[Clip]:
    """List every recording of some archives as background, whatever their labels.

    Parameters
    ----------
    archives : sequence of paths
        Archives or folders.

    Returns
    -------
    list of Clip
        A row per recording, in order of archive and name. Slices of one field recording have the
        same `recording` where it is known from the layout.

    Raises
    ------
    DatasetError
        If an archive is broken or holds no recordings.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(open_archive(path)) for path in archives]
        known = {(clip.source, clip.path): clip.recording for clip in survey(opened).clips}
        return [clip for archive in opened for clip in _clips_of(archive, known)]


def _clips_of(archive: Archive, known: dict[tuple[str, str], str]) -> list[Clip]:
    return [
        Clip(
            path=member.name,
            # The name of the archive keeps it apart from a recording of the same name elsewhere.
            recording=f"{archive.name}:{known.get((archive.name, member.name), member.name)}",
            split="supplemental",
            condition=BACKGROUND,
            source=archive.name,
        )
        for member in archive.recordings()
    ]
