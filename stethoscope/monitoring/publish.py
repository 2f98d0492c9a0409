"""After the export: register the bundle in Kubeflow's Model Registry, write a KServe manifest."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stethoscope import __version__
from stethoscope.files import atomic_folder, packaged_file, read_json, write_json, write_text
from stethoscope.kubeflow.model_registry import as_properties, register
from stethoscope.options import Parameter, ParameterSet

MANIFEST = "inference_service.yaml"
_TEMPLATE = "deploy/kserve/stethoscope.yaml"


def _registry_problem(address: str) -> str:
    try:
        parts = urlsplit(address)
        fits = not address or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        fits = False
    return "" if fits else "give an address such as http://model-registry-service:8080"


PUBLISH = ParameterSet(
    Parameter(
        "export_registry",
        str,
        "",
        "Address of Kubeflow's Model Registry in which the bundle is registered; empty for none.",
        rule=_registry_problem,
    ),
    Parameter(
        "export_model_name",
        str,
        "",
        "Name of the model in the registry and of its service; empty takes the bundle's name.",
    ),
    Parameter(
        "export_serve_image",
        str,
        "",
        "Image of the service, for which a KServe manifest is written; empty for none.",
    ),
)


def publish(
    bundle: Path, uri: str, given: Mapping[str, Any], folder: Path, *, fingerprint: str
) -> None:
    """Register a bundle and write a manifest of KServe for it, as far as the parameters ask for it.

    The folder is written all or nothing. It holds ``serving.json``, what was done, and the manifest
    if there is one.

    Parameters
    ----------
    bundle : Path
    uri : str
        Where the bundle is kept, for others than this step.
    given : mapping
        Values of `PUBLISH`.
    folder : Path
    fingerprint : str
        Of the recordings and the code.

    Raises
    ------
    RegistryError
        If the registry does not answer, or refuses.
    """
    manifest = read_json(bundle / "bundle.json")
    name = given["export_model_name"] or manifest["name"]
    version = f"{__version__}-{manifest['sha256'][:12]}"
    done: dict[str, Any] = {"name": name, "version": version, "uri": uri, "registered": False}
    with atomic_folder(folder) as temporary:
        if given["export_registry"]:
            new = register(
                given["export_registry"],
                name=name,
                version=version,
                uri=uri,
                description=f"Detector of {', '.join(manifest['machines'])}",
                properties=as_properties(_properties(manifest, fingerprint)),
            )
            done["registered"] = True
            print(f"{name} {version} {'is registered' if new else 'was registered before'}")
        if given["export_serve_image"]:
            text = kserve_manifest(name, given["export_serve_image"], uri)
            write_text(temporary / MANIFEST, text)
        write_json(temporary / "serving.json", done)


def kserve_manifest(name: str, image: str, uri: str) -> str:
    """Return an InferenceService of KServe that serves a bundle.

    Parameters
    ----------
    name : str
        Of the service; what Kubernetes does not allow in names becomes hyphens.
    image : str
    uri : str
        Where the bundle is kept.
    """
    import yaml

    document = yaml.safe_load(packaged_file(_TEMPLATE).read_text(encoding="utf-8"))
    document["metadata"]["name"] = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50]
    [container] = document["spec"]["predictor"]["containers"]
    container["image"] = image
    [storage] = [one for one in container["env"] if one["name"] == "STORAGE_URI"]
    # KServe reads MinIO as what it is for clients: S3.
    storage["value"] = re.sub(r"^minio://", "s3://", uri)
    heading = "# The bundle of a run as a service of KServe: kubectl apply -f this file.\n"
    return heading + yaml.safe_dump(document, sort_keys=False)


def _properties(manifest: Mapping[str, Any], fingerprint: str) -> dict[str, Any]:
    """Return figures, fingerprints and labels of a bundle."""
    overall = manifest["metrics"]["overall"]
    return {
        **{name: overall[name]["value"] for name in ("auc", "pauc", "false_alarm_rate")},
        "machines": ", ".join(manifest["machines"]),
        "faults": ", ".join(manifest["labels"]) or None,
        "bundle_sha256": manifest["sha256"],
        "recordings_fingerprint": fingerprint,
        "stethoscope": __version__,
    }
