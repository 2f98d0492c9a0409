"""Addresses in object stores, ``s3://bucket/key``, as requests of HTTP.

The stores' own clients find the credentials and sign; the transfer itself is that of any other
address, so that it is resumed, repeated and checked in the same way.
"""

import json
import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from stethoscope.datasets.download.credentials import GOOGLE_CREDENTIALS
from stethoscope.errors import DownloadError, ParameterError, shown

SCHEMES = ("s3", "gs", "minio")

MINIO_ENDPOINT = "http://minio-service.kubeflow:9000"
"""Address of Kubeflow's own store inside its cluster."""

_GOOGLE = "https://storage.googleapis.com"
_SCOPES = ("https://www.googleapis.com/auth/devstorage.read_only",)
_VALID_SECONDS = 3600
_OPTIONS = ("endpoint", "region")


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """An object in a store.

    Attributes
    ----------
    scheme : str
        One of `SCHEMES`.
    bucket, key : str
    endpoint : str
        Address of the store, ``https://store.example.org``; empty for the default.
    region : str
        Empty for the default.
    """

    scheme: str
    bucket: str
    key: str
    endpoint: str = ""
    region: str = ""


def is_store(address: str) -> bool:
    """Return whether an address is one of an object store."""
    return address.partition("://")[0].lower() in SCHEMES


def parse_store(address: str) -> StoreAddress:
    """Parse ``s3://bucket/key?endpoint=https://...&region=...``.

    Raises
    ------
    ParameterError
        If it has no bucket or key, or an unknown option.
    """
    parts = urlsplit(address)
    scheme, key = parts.scheme.lower(), parts.path.lstrip("/")
    if not (parts.netloc and key) or key.endswith("/"):
        raise ParameterError(
            f"{address}: names no archive in a bucket; give {scheme}://bucket/folder/archive.zip"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := [name for name in options if name not in _OPTIONS]:
        raise ParameterError(
            f"{address}: has an unknown option {shown(unknown[0])}; there are {', '.join(_OPTIONS)}"
        )
    endpoint = options.get("endpoint", "")
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        raise ParameterError(f"{address}: endpoint is {shown(endpoint)}; begin it with https://")
    return StoreAddress(scheme, parts.netloc, key, endpoint, options.get("region", ""))


def store_request(address: str, region: str = "") -> tuple[str, dict[str, str]]:
    """Return the URL and the headers by which an object can be requested now.

    Credentials are those of the environment: variables, the profile of the store's own tools, or
    the role of the pod or machine. Without any, the request is not signed, as for a public bucket.

    Parameters
    ----------
    address : str
    region : str
        Region of the bucket, if it is known to be another than that of the address.

    Raises
    ------
    DownloadError
        If there are credentials that cannot be used.
    ParameterError
        If the address cannot work.
    """
    one = parse_store(address)
    try:
        return _of_google(one) if one.scheme == "gs" else (_of_s3(one, region), {})
    except ImportError as error:
        raise DownloadError(
            f"{address}: needs the package {error.name}; install stethoscope[train]"
        ) from error


def _of_s3(one: StoreAddress, region: str) -> str:
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    set_up = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    endpoint = one.endpoint or set_up or (MINIO_ENDPOINT if one.scheme == "minio" else "")
    try:
        session = botocore.session.Session()
        signature = "s3v4" if session.get_credentials() else UNSIGNED
        client = session.create_client(
            "s3",
            region_name=region
            or one.region
            or session.get_config_variable("region")
            or "us-east-1",
            endpoint_url=endpoint or None,
            # Other stores than Amazon's have no host name for each bucket.
            config=Config(
                signature_version=signature, s3={"addressing_style": "path"} if endpoint else None
            ),
        )
        url: str = client.generate_presigned_url(
            "get_object", Params={"Bucket": one.bucket, "Key": one.key}, ExpiresIn=_VALID_SECONDS
        )
    except (BotoCoreError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DownloadError(
            f"{one.scheme}://{one.bucket}/{one.key}: cannot be requested ({reason});"
            " check the credentials, and region and endpoint"
        ) from error
    return url


def _of_google(one: StoreAddress) -> tuple[str, dict[str, str]]:
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError

    base = one.endpoint or os.environ.get("STORAGE_EMULATOR_HOST", "") or _GOOGLE
    url = f"{base.rstrip('/')}/{one.bucket}/{quote(one.key)}"
    try:
        return url, {"Authorization": f"Bearer {_google_token()}"}
    except DefaultCredentialsError:
        return url, {}
    except (GoogleAuthError, ValueError) as error:
        raise DownloadError(
            f"gs://{one.bucket}/{one.key}: no access token ({error}); check the credentials"
        ) from error


def _google_token() -> str:
    import google.auth
    from google.auth.transport.requests import Request

    text = os.environ.get(GOOGLE_CREDENTIALS, "")
    credentials: Any
    if text:
        credentials, _ = google.auth.load_credentials_from_dict(json.loads(text), scopes=_SCOPES)
    else:
        credentials, _ = google.auth.default(scopes=_SCOPES)
    credentials.refresh(Request())
    return str(credentials.token)
