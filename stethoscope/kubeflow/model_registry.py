"""Kubeflow's Model Registry, through its own client."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from stethoscope.errors import StethoscopeError


class RegistryError(StethoscopeError):
    """The registry cannot be reached, or refuses a request."""


def register(
    address: str,
    *,
    name: str,
    version: str,
    uri: str,
    description: str,
    properties: Mapping[str, str | float],
) -> bool:
    """Register a version of a model, unless it is there already.

    Parameters
    ----------
    address : str
        Of the registry, ``http://model-registry-service.kubeflow.svc.cluster.local:8080``.
    name, version : str
        Of the model; the model is created if it is not there.
    uri : str
        Where the model's files are.
    description : str
        Of the version.
    properties : mapping
        Further properties of the version.

    Returns
    -------
    bool
        Whether the version is new.

    Raises
    ------
    RegistryError
        If the registry does not answer, or refuses.
    """
    from model_registry import ModelRegistry

    with _requesting(address):
        registry = ModelRegistry(address, author="stethoscope", log_level=logging.ERROR)
        known = registry.get_registered_model(name)
        if known and registry.get_model_version(name, version):
            return False
        registry.register_model(
            name,
            uri,
            version=version,
            version_description=description,
            model_format_name="stethoscope",
            model_format_version="1",
            metadata=properties,
        )
    return True


@contextlib.contextmanager
def _requesting(address: str) -> Iterator[None]:
    """Raise what can go wrong as `RegistryError`, and keep the client from printing."""
    import aiohttp
    import mr_openapi
    from model_registry.exceptions import StoreError

    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an absent token, where none is needed
            yield
    except mr_openapi.ApiException as error:
        reason = " ".join(str(error.body or error.reason).split())[:500]
        raise RegistryError(
            f"the Model Registry at {address} refuses: {error.status} {reason}"
        ) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise RegistryError(
            f"no Model Registry answers at {address} ({error}); check export_registry"
        ) from error
    except (StoreError, ValueError) as error:
        raise RegistryError(f"the Model Registry at {address}: {error}") from error


def as_properties(values: Mapping[str, Any]) -> dict[str, str | float]:
    """Return the values that a registry can keep; those that are None are left out."""
    return {
        name: value if isinstance(value, (str, float)) else str(value)
        for name, value in values.items()
        if value is not None
    }
