"""The environment variables with credentials for recordings."""

HEADERS = "STETHOSCOPE_DOWNLOAD_HEADERS"
"""Headers for private sites, one a line: ``host Header: value``."""

GOOGLE_CREDENTIALS = "GOOGLE_CREDENTIALS"
"""Content of the key file of a Google service account."""

CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    GOOGLE_CREDENTIALS,
    HEADERS,
)
"""All of them; those of Amazon are the ones that its own tools read."""
