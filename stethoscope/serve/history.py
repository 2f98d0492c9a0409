"""The routes of a watch's history: its page, and the sounds on it."""

import base64
import hashlib
import re
import threading
import time
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from starlette.exceptions import HTTPException

from stethoscope.errors import DatasetError
from stethoscope.sound.formats import SUFFIXES
from stethoscope.watch.history import History
from stethoscope.watch.overview import SPANS, RecordingRow, overview

router = APIRouter(include_in_schema=False)

FRESH_SECONDS = 5.0
"""A page is made again after this time, in seconds."""

_SCRIPT = re.compile("<script>(.*?)</script>", re.DOTALL)


class ServedHistory:
    """The pages of a history, each made at most every few seconds.

    Parameters
    ----------
    path : Path
        File of the history; a watch may write to it meanwhile.

    Raises
    ------
    DatasetError
        If it is no history.
    """

    def __init__(self, path: Path) -> None:
        History(path, read_only=True).close()
        self._path = path
        self._lock = threading.Lock()
        self._pages: dict[str, tuple[float, str]] = {}

    def page(self, span: str) -> str:
        """Return the page of a span, a name in :data:`~stethoscope.watch.overview.SPANS` or ""."""
        with self._lock:
            made, page = self._pages.get(span, (0.0, ""))
            if not page or time.monotonic() - made > FRESH_SECONDS:
                page = self._make(span)
                self._pages[span] = time.monotonic(), page
            return page

    def _make(self, span: str) -> str:
        with History(self._path, read_only=True) as history:
            view = overview(history, span=span)
        # It loads numpy, which the service does without as long as nobody opens this page.
        from stethoscope.watch.page import history_page

        return history_page(view, title=self._path.stem, address=_address, span=span, links=True)

    def sound(self, number: int) -> Path | None:
        """Return the file of a recording; None if it is not there or outside the folder."""
        with History(self._path, read_only=True) as history:
            folder = history.property("folder")
            rows = history.rows("select path from recordings where id = ?", (number,))
        if not rows or not folder:
            return None
        root = Path(folder).resolve()
        path = (root / rows[0][0]).resolve()
        inside = path.is_relative_to(root) and path.name.lower().endswith(SUFFIXES)
        return path if inside and path.is_file() else None


@router.get("/history")
def page(request: Request, span: str = "") -> Response:
    """Answer the page of the history."""
    history = _history(request)
    if span and span not in SPANS:
        raise HTTPException(404, f"span is {span!r}; choose one of {', '.join(SPANS)}")
    try:
        text = history.page(span)
    except DatasetError as error:
        raise HTTPException(503, str(error)) from error
    return HTMLResponse(text, headers={"content-security-policy": _policy(text)})


@router.get("/history/audio/{number}")
def sound(request: Request, number: int) -> Response:
    """Answer the sound of a recording."""
    path = _history(request).sound(number)
    if path is None:
        raise HTTPException(404, "the recording is no longer there")
    return FileResponse(path)


def _history(request: Request) -> ServedHistory:
    history = request.app.state.history
    if not isinstance(history, ServedHistory):
        raise HTTPException(404, "no history is served; start with --history FILE")
    return history


def _address(row: RecordingRow) -> str:
    return f"history/audio/{row.number}"


def _policy(text: str) -> str:
    """Return the content security policy of a page: its own script, by its hash, and its styles."""
    scripts = (hashlib.sha256(one.encode()).digest() for one in _SCRIPT.findall(text))
    hashes = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; media-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
