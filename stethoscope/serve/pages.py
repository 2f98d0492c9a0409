"""The routes of the web pages and of the files that they load."""

from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

_FOLDER = files("stethoscope.serve") / "page"
_MEDIA_TYPES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "docs.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_ASSETS = {name: (_FOLDER / name).read_bytes() for name in _MEDIA_TYPES}
_INDEX, _DOCS = ((_FOLDER / name).read_bytes() for name in ("index.html", "docs.html"))


@router.api_route("/", methods=["GET", "HEAD"])
async def root(request: Request) -> Response:
    """Answer programs with one line of text, and browsers, which accept HTML, with the page."""
    headers = {"vary": "accept"}
    if "text/html" in request.headers.get("accept", ""):
        return Response(_INDEX, media_type="text/html", headers=headers)
    return PlainTextResponse("server is up", headers=headers)


@router.get("/docs")
async def documentation() -> Response:
    """Answer the page that describes how to call the service."""
    return Response(_DOCS, media_type="text/html")


@router.get("/page/{name}")
async def asset(name: str) -> Response:
    """Answer a file that the pages load."""
    if name not in _ASSETS:
        raise HTTPException(404)
    headers = {"cache-control": "no-cache"}
    return Response(_ASSETS[name], media_type=_MEDIA_TYPES[name], headers=headers)
