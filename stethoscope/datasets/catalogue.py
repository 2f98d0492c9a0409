"""The catalogue of public data sets: a short name for each archive, with its address and what is
known of it.
"""

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
        How it is called here, ``dcase2020/pump``.
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
    """Return the archive of that name.

    Raises
    ------
    DatasetError
        If the catalogue has none; the message names the nearest ones.
    """
    known = entries()
    if name in known:
        return known[name]
    by_lower_case = {one.lower(): one for one in known}
    near = [
        by_lower_case[one]
        for one in difflib.get_close_matches(name.lower(), by_lower_case, n=3, cutoff=0.6)
    ]
    advice = (
        f"did you mean {' or '.join(near)}?" if near else "`stethoscope datasets` lists the names"
    )
    raise DatasetError(f"{name}: no public data set is called so; {advice}")
