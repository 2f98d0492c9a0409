"""Changes to a bundle after it was exported: thresholds, names of faults, further files."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.manifest import read_manifest, update_manifest
from stethoscope.bundle.seal import Sign
from stethoscope.detection.thresholds import Thresholds
from stethoscope.diagnosis.model import fault_label
from stethoscope.errors import ModelError, ParameterError
from stethoscope.files import atomic_folder


def set_thresholds(bundle: Bundle, thresholds: Thresholds, sign: Sign | None = None) -> None:
    """Replace the thresholds of a bundle; its models and its metrics stay as they are.

    Parameters
    ----------
    bundle : Bundle
    thresholds : Thresholds
    sign : callable, optional
        Signs the changed bundle, see :mod:`stethoscope.bundle.signature`.
    """
    update_manifest(bundle.folder, sign=sign, thresholds=thresholds.to_json())


def sign_bundle(folder: Path, sign: Sign) -> None:
    """Sign a bundle as it is, after a check of the digests of its files."""
    update_manifest(folder, sign=sign)


def add_files(folder: Path, source: Path, name: str) -> None:
    """Copy the folder `source` into the bundle `folder` as `name`; replace what was there.

    If it is interrupted, the bundle has the folder as it was, or no longer as a part.
    """
    if any(known.startswith(f"{name}/") for known in read_manifest(folder).entries["files"]):
        update_manifest(folder, removed=[name])
    with atomic_folder(folder / name) as temporary:
        shutil.copytree(source, temporary, dirs_exist_ok=True)
    update_manifest(folder, changed=[name])


def name_faults(
    bundle: Bundle,
    names: Mapping[int, str],
    messages: Mapping[int, str] | None = None,
    sign: Sign | None = None,
) -> Bundle:
    """Name the faults of a bundle's diagnosis; its network stays as it is.

    The names are kept in ``bundle.json`` alone, which is replaced in one step: a bundle whose edit
    is interrupted is as it was.

    Parameters
    ----------
    bundle : Bundle
    names : mapping of int to str
        By number of the fault, from 1; an empty name removes the name.
    messages : mapping of int to str, optional
        Message of a verdict by number of the fault, which replaces the label (``fault 2:
        clogging``); an empty message restores the label.
    sign : callable, optional
        Signs the changed bundle.

    Returns
    -------
    Bundle
        The same folder, opened again.

    Raises
    ------
    ModelError
        If the bundle has no diagnosis.
    ParameterError
        If there is no such fault, or a name cannot be used.
    """
    if bundle.diagnosis is None:
        raise ModelError(
            f"{bundle.folder}: has no diagnosis whose faults could be named; "
            "train it on a set with anomalous recordings"
        )
    before = bundle.diagnosis.labels
    messages = messages or {}
    if unknown := sorted({*names, *messages} - set(range(1, len(before)))):
        raise ParameterError(
            f"there is no fault {unknown[0]}; the bundle has faults 1 to {len(before) - 1}"
        )
    after = [
        fault_label(number, names[number]) if number in names else label
        for number, label in enumerate(before)
    ]
    if len(set(after)) < len(after):
        raise ParameterError("two faults have the same name; give each its own")
    renamed = dict(zip(before, after, strict=True))
    update_manifest(
        bundle.folder,
        sign=sign,
        fault_labels=after,
        labels=[renamed.get(label, label) for label in bundle.manifest["labels"]],
        messages=_messages(bundle.messages, before, after, messages),
    )
    return Bundle.open(bundle.folder)


def _messages(
    texts: Mapping[str, str], before: Sequence[str], after: Sequence[str], new: Mapping[int, str]
) -> dict[str, str]:
    """Return the messages by the new labels; those of faults in `new` are replaced."""
    found = {
        label: new.get(number, texts.get(before[number], "")).strip()
        for number, label in enumerate(after)
    }
    return {label: text for label, text in found.items() if text}
