"""The parameters of every pipeline that select its recordings."""

from collections.abc import Mapping
from typing import Any

from stethoscope.datasets.download.addresses import check_address, split_addresses
from stethoscope.datasets.layouts import LAYOUTS
from stethoscope.options import Parameter, ParameterSet, Range

URL_TEXT = (
    "Address of an archive (http, https, s3, gs, minio, file), a folder, a name of the catalogue, "
    "or simulated/<machine>; several separated by commas."
)
CLIP_SECONDS = Parameter(
    "dataset_clip_seconds",
    float,
    10.0,
    "Recordings of at least 1.5 times this length, in seconds, are cut into equal clips of about "
    "this length, which stay together as one recording; 0 cuts none.",
    Range(least=0, most=3600),
)
LAYOUT_TEXT = "How the recordings are named: auto, or a layout that `stethoscope inspect` knows."
MD5_TEXT = "Expected MD5 of each archive, separated by commas; empty where unknown."


def dataset_parameters(*, url: str | None, layout: str = "auto") -> ParameterSet:
    """Return the parameters ``dataset_url``, ``dataset_layout`` and ``dataset_md5``.

    Parameters
    ----------
    url : str or None
        Default of the pipeline; None where the user must give an address.
    layout : str
        Default of the pipeline.
    """
    layouts = Range(choices=("auto", *LAYOUTS))
    return ParameterSet(
        Parameter("dataset_url", str, url, URL_TEXT),
        Parameter("dataset_layout", str, layout, LAYOUT_TEXT, layouts),
        Parameter("dataset_md5", str, "", MD5_TEXT),
        checks=[_check_addresses],
    )


def _check_addresses(given: Mapping[str, Any]) -> None:
    for address, _ in split_addresses(given["dataset_url"], given["dataset_md5"]):
        check_address(address)


DATASET = dataset_parameters(url="simulated/fan")
