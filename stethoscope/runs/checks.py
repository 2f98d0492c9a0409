"""Refuse before a run begins what its steps would refuse."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from stethoscope.datasets.download.addresses import address_kind, local_path, split_addresses
from stethoscope.datasets.download.presence import missing_files
from stethoscope.errors import StethoscopeError, refuse
from stethoscope.kubeflow.parameters import parameters_of
from stethoscope.monitoring.options import MONITORING
from stethoscope.runs.pipelines import Pipeline, pipeline_of
from stethoscope.sweep.items import plan


def check_here(spec: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse the parameters of a run on this computer that its first steps would refuse.

    The first step of a sweep examines all its runs, and is left to do so.

    Parameters
    ----------
    spec : mapping
        Specification of the pipeline; one that is not of this package is not examined.
    given : mapping
        Parameters that differ from their defaults, of the right types.

    Raises
    ------
    ParameterError
        With all that is wrong in one message.
    """
    pipeline = pipeline_of(spec)
    values = _all_values(spec, pipeline, given)
    if pipeline is None or "machines" in values:
        return
    pipeline.parameters.check(values)
    refuse(missing_files(values["dataset_url"]))


def check_for_cluster(
    spec: Mapping[str, Any], given: Mapping[str, Any], *, folders: Iterable[str] = ()
) -> None:
    """Refuse the parameters of a run that its first step would refuse, and local paths.

    Parameters
    ----------
    spec, given : mapping
        As of :func:`check_here`.
    folders : iterable of str
        Where the steps see volumes; paths below these are accepted.

    Raises
    ------
    ParameterError
        With all that is wrong in one message.
    """
    pipeline = pipeline_of(spec)
    if pipeline is None:
        return
    mounted = list(folders)
    values = _all_values(spec, pipeline, given)
    if "machines" in values:
        runs = plan(values["machines"], values["grid"])
        refuse(list(dict.fromkeys(_problems_of_items((one.parameters for one in runs), mounted))))
        return
    pipeline.parameters.check(values)
    refuse(_local_addresses(values, mounted))


def _all_values(
    spec: Mapping[str, Any], pipeline: Pipeline | None, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values of all parameters, also of those that the pipeline does not offer."""
    definitions = pipeline.parameters.defaults if pipeline else {}
    defaults = {name: one.default for name, one in parameters_of(spec).items()}
    return {**definitions, **defaults, **given}


def _problems_of_items(items: Iterable[Mapping[str, Any]], mounted: Sequence[str]) -> Iterable[str]:
    for item in items:
        values = {**MONITORING.defaults, **item}
        try:
            MONITORING.check(values)
        except StethoscopeError as error:
            yield str(error)
        else:
            yield from _local_addresses(values, mounted)


def _local_addresses(values: Mapping[str, Any], mounted: Sequence[str]) -> list[str]:
    """Return what is wrong with addresses that only this computer could read."""
    return [
        f"dataset_url is {address!r}, which is on this computer, where a cluster cannot read it; "
        "put it on a web server or in an object store and give its address, mount a volume that "
        "has it (--volume NAME:/FOLDER), or run it here"
        for address, _ in split_addresses(values["dataset_url"], values["dataset_md5"])
        if address_kind(address) in ("path", "file") and not _is_mounted(address, mounted)
    ]


def _is_mounted(address: str, mounted: Sequence[str]) -> bool:
    """Return whether an address lies on one of the volumes."""
    path = PurePosixPath(posixpath.normpath(local_path(address).as_posix()))
    return any(path.is_relative_to(folder) for folder in mounted)
