"""The catalogue of public data sets: for each archive a short name, its address and checksum."""

import difflib
import json
from dataclasses import dataclass
from functools import cache

from stethoscope.errors import DatasetError
from stethoscope.files import packaged_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One archive of a public data set.

    Attributes
    ----------
    name : str
        Short name, ``dcase2020/pump``.
    title : str
        The set that it belongs to.
    page, url : str
        Address of the set's page, and of the archive.
    md5 : str
    bytes : int
        Size of the archive; 0 where it is not known.
    licence : str
    layout : str
        Name of its layout.
    """

    name: str
    title: str
    page: str
    url: str
    md5: str
    bytes: int
    licence: str
    layout: str


@cache
def entries() -> dict[str, Entry]:
    """Return the archives of the catalogue by name."""
    collections = json.loads(packaged_file("catalogue.json").read_text(encoding="utf-8"))
    found = (
        Entry(
            name="/".join(filter(None, (collection["name"], archive["name"]))),
            title=collection["title"],
            page=collection["page"],
            url=f"{collection['page']}/files/{archive['file']}",
            md5=archive["md5"],
            bytes=archive.get("bytes", 0),
            licence=collection["licence"],
            layout=collection["layout"],
        )
        for collection in collections
        for archive in collection["archives"]
    )
    return {entry.name: entry for entry in found}


def lookup(name: str) -> Entry:
    """Return the archive of a name.

    Raises
    ------
    DatasetError
        If the catalogue has none; the message names the nearest ones.
    """
    known = entries()
    if name not in known:
        raise DatasetError(f"{name}: no public data set of this name; {advice(name)}")
    return known[name]


def advice(name: str) -> str:
    """Return what a user can do who gave a name that is not in the catalogue."""
    by_lower_case = {one.lower(): one for one in entries()}
    near = [
        by_lower_case[one]
        for one in difflib.get_close_matches(name.lower(), by_lower_case, n=3, cutoff=0.6)
    ]
    if not near:
        return "`stethoscope datasets` lists the names"
    return f"did you mean {' or '.join(near)}?"
