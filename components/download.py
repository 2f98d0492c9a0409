"""First step: copy the recordings here and list them."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.datasets.options import DATASET
from stethoscope.options import SEED


@component(DATASET, SEED)
def download(
    recordings: dsl.Output[dsl.Dataset],
    clips: dsl.Output[dsl.Dataset],
    fingerprint: str,
    in_place: bool = False,
    cache: str = "",
    background: str = "",
    **parameters: Any,
) -> None:
    """Download the archives of recordings, check them, and list their clips.

    Args:
        fingerprint: Identifies the recordings and the code; part of the cache key.
        in_place: Whether an archive stays in the folder that keeps downloads, if there is one.
        cache: Folder that keeps downloads, on a volume shared by runs or steps; empty for none.
        background: Further archives, whose recordings are listed as background; empty for none.

    Returns:
        recordings: The archives, unchanged, under their original names, or where they are kept.
        clips: Table of the clips, clips.csv.
    """
    from pathlib import Path

    from stethoscope.datasets.prepare import prepare
    from stethoscope.kubeflow.warnings import keep_warnings

    prepared = prepare(
        parameters["dataset_url"],
        Path(recordings.path),
        Path(clips.path),
        layout=parameters["dataset_layout"],
        md5=parameters["dataset_md5"],
        seed=parameters["seed"],
        cache=cache,
        in_place=in_place,
        background=background,
    )
    recordings.metadata.update(prepared.metadata, fingerprint=fingerprint)
    keep_warnings(recordings)
    keep_warnings(clips)
    clips.metadata["clips"] = prepared.n_clips
