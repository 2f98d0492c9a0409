"""First step: bring the recordings here and say what they are."""

from typing import NamedTuple

from kfp import dsl

from components import component


@component
def download(
    dataset_url: str,
    recordings: dsl.Output[dsl.Dataset],
    clips: dsl.Output[dsl.Dataset],
    dataset_layout: str = "auto",
    dataset_md5: str = "",
    seed: int = 0,
    cache: str = "",
) -> NamedTuple("Outputs", [("fingerprint", str)]):
    """Download the archives of recordings, check them, and list their clips.

    Args:
        dataset_url: Address of an archive (http, https, file), a folder, a name of the catalogue or simulated/<machine>; several separated by commas.
        dataset_layout: How the recordings are named: auto, or a layout that `stethoscope inspect` knows.
        dataset_md5: Expected MD5 of each archive, separated by commas; empty where unknown.
        seed: Seed of a simulated set.
        cache: Folder in which downloads stay, on a volume that several runs or steps share; empty for none.

    Returns:
        recordings: The archives as they came, under their original names.
        clips: Table of the clips, clips.csv.
        fingerprint: What the recordings and the code are, as the cache of later steps sees it.
    """
    from collections import namedtuple
    from pathlib import Path

    from stethoscope.datasets.prepare import prepare

    prepared = prepare(
        dataset_url,
        Path(recordings.path),
        Path(clips.path),
        layout=dataset_layout,
        md5=dataset_md5,
        seed=seed,
        cache=cache,
    )
    recordings.metadata.update(prepared.metadata)
    clips.metadata["clips"] = prepared.n_clips
    return namedtuple("Outputs", ["fingerprint"])(prepared.fingerprint)
