"""Settings of a compiled pipeline for a cluster: image, volumes, nodes, caching."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stethoscope.errors import ParameterError
from stethoscope.kubeflow.compiled import dump, parse, tasks_of

USES_GPU = "stethoscope/uses-gpu"
"""Label of the pods whose step trains: it is faster on a GPU, and needs TensorFlow."""

READS_RECORDINGS = "stethoscope/reads-recordings"
"""Label of the pods whose step opens the addresses of recordings."""

WORKSPACE = "{{$.workspace_path}}"
"""Placeholder for the path of the workspace volume.

The backend mounts the volume into the pods that have this placeholder among their inputs.
"""

LOCAL_IMAGE = "stethoscope-python"
"""Name of the image without its registry, as the committed pipelines have it."""

ACCESS_MODES = ("ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
STORES = ("/minio", "/s3", "/gcs")
"""Folders of a pod in which Kubeflow keeps artifacts, by the kind of the artifact store."""

DOWNLOADS = "/stethoscope-downloads"
"""Where a volume that keeps downloads is mounted."""

_SIZE = re.compile(r"[1-9]\d*(\.\d+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_SCRATCH = "stethoscope-scratch"


@dataclass(frozen=True, slots=True)
class Secret:
    """A Kubernetes secret, as environment variables of the steps that read recordings.

    Attributes
    ----------
    name : str
    variables : mapping of str to str
        Variable for each key of the secret.
    optional : bool
        Whether keys may be missing.
    """

    name: str
    variables: Mapping[str, str]
    optional: bool = False

    @classmethod
    def parse(cls, text: str, usual: Sequence[str]) -> "Secret":
        """Parse ``NAME`` or ``NAME:KEY=VARIABLE,...``.

        Parameters
        ----------
        text : str
        usual : sequence of str
            Keys of a secret that is given by its name; those that it has become variables.

        Raises
        ------
        ParameterError
            If it is of another form.
        """
        name, colon, rest = text.partition(":")
        pairs = [one.partition("=") for one in rest.split(",")] if colon else []
        wrong = [key for key, equals, variable in pairs if not (key and equals and variable)]
        if not _NAME.fullmatch(name) or wrong:
            raise ParameterError(
                f"secret is {text!r}; give the name of a Kubernetes secret, "
                "or NAME:KEY=VARIABLE,..."
            )
        if not colon:
            return cls(name, {key: key for key in usual}, optional=True)
        return cls(name, {key: variable for key, _, variable in pairs})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Settings of a compiled pipeline; a setting with its default changes nothing.

    Attributes
    ----------
    image : str
        Image of every step, with its registry and tag.
    train_image : str
        Image of the steps that train, which alone need TensorFlow; by default `image`.
    gpu : str
        Resource and count for the steps that are faster on a GPU, ``nvidia.com/gpu:1``; without a
        count, one.
    workspace : str
        Size of a volume that all steps of a run share, in Kubernetes's units, such as ``20Gi``.
        Downloads are kept on it.
    workspace_access : str
        Access mode of that volume; by default ReadWriteMany for a pipeline with a loop, whose pods
        run at the same time, else ReadWriteOnce.
    workspace_class : str
        Storage class of that volume; needed where the server has no default for it.
    ephemeral_storage : str
        Size of a volume of its own for each pod, on which its artifacts are kept, and after a
        colon one of `STORES`.
    node_selector : mapping of str to str
        Labels that a node must have.
    tolerations : sequence of str
        Taints that the pods tolerate, ``key=value:effect``, ``key:effect`` or ``key``.
    parallelism : int
        How many items of a loop run at the same time.
    volumes : mapping of str to str
        Existing volumes (claims) that the steps which read recordings see, with the path at which
        each is mounted.
    downloads : str
        Name of an existing volume (claim) on which downloads are kept for later runs.
    secrets : sequence of Secret
        Credentials for recordings.
    pull_secret : str
        Name of the Kubernetes secret with the password of a private registry.
    caching : bool
        Whether steps may be reused from earlier runs.
    """

    image: str = ""
    train_image: str = ""
    gpu: str = ""
    workspace: str = ""
    workspace_access: str = ""
    workspace_class: str = ""
    ephemeral_storage: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[str, ...] = ()
    parallelism: int = 0
    volumes: Mapping[str, str] = field(default_factory=dict)
    downloads: str = ""
    secrets: tuple[Secret, ...] = ()
    pull_secret: str = ""
    caching: bool = True

    def __post_init__(self) -> None:
        resource, _, count = self.gpu.partition(":")
        if self.gpu and not (
            re.fullmatch(r"[\w./-]+", resource) and re.fullmatch(r"([1-9]\d*)?", count)
        ):
            raise ParameterError(
                f"gpu is {self.gpu!r}; give a resource and a count, such as nvidia.com/gpu:1"
            )
        for image in filter(None, (self.image, self.train_image)):
            _check_image(image)
        if self.parallelism < 0:
            raise ParameterError(f"parallelism is {self.parallelism}; it must be at least 1")
        self._check_volumes()
        for text in self.tolerations:
            _toleration(text)

    def _check_volumes(self) -> None:
        if self.workspace and not _SIZE.fullmatch(self.workspace):
            raise ParameterError(f"workspace is {self.workspace!r}; give a size such as 20Gi")
        if self.workspace_access and self.workspace_access not in ACCESS_MODES:
            raise ParameterError(
                f"workspace-access is {self.workspace_access!r}; "
                f"choose one of {', '.join(ACCESS_MODES)}"
            )
        if (self.workspace_access or self.workspace_class) and not self.workspace:
            raise ParameterError(
                "workspace-access and workspace-class describe a workspace; "
                "give its size by --workspace"
            )
        _check_claims({**self.volumes, **({self.downloads: DOWNLOADS} if self.downloads else {})})
        size, _, folder = self.ephemeral_storage.partition(":")
        if self.ephemeral_storage and not (_SIZE.fullmatch(size) and folder in ("", *STORES)):
            raise ParameterError(
                f"ephemeral-storage is {self.ephemeral_storage!r}; give a size such as 50Gi, and "
                f"after a colon {', '.join(STORES)} if the artifact store is not MinIO"
            )

    def apply(self, compiled: str) -> str:
        """Return the text of a compiled pipeline with these settings.

        Raises
        ------
        ParameterError
            If the pipeline has nothing that a setting could apply to.
        """
        if self == ClusterOptions():
            return compiled
        spec, platform = parse(compiled)
        kubernetes = platform.setdefault("platforms", {}).setdefault("kubernetes", {})
        pods = kubernetes.setdefault("deploymentSpec", {}).setdefault("executors", {})
        for name, executor in spec["deploymentSpec"]["executors"].items():
            self._set_up_step(executor["container"], pods.setdefault(name, {}))
        if self.volumes or self.downloads or self.secrets:
            self._give_recordings(pods.values())
        if self.workspace:
            self._add_workspace(spec, kubernetes)
        if self.downloads:
            self._show_downloads(spec, pods)
        if self.workspace or self.downloads:
            _keep_downloads(spec, DOWNLOADS if self.downloads else f"{WORKSPACE}/archives")
        if self.parallelism:
            _set_parallelism(spec, self.parallelism)
        if not self.caching:
            for task in tasks_of(spec):
                task["cachingOptions"] = {}
        lines = compiled.splitlines(keepends=True)
        comments = "".join(line for line in lines if line.startswith("#"))
        return comments + dump(spec, platform)

    def _set_up_step(self, container: dict[str, Any], pod: dict[str, Any]) -> None:
        """Set what concerns one step, in its container and in its pod."""
        trains = USES_GPU in pod.get("podMetadata", {}).get("labels", {})
        if image := (self.train_image if trains else "") or self.image:
            container["image"] = image
        if self.gpu and trains:
            _add_gpu(container, self.gpu)
        if self.pull_secret:
            named = _constant(self.pull_secret)
            secret = {"secretName": self.pull_secret, "secretNameParameter": named}
            pod["imagePullSecret"] = [secret]
        if self.node_selector:
            pod["nodeSelector"] = {"labels": dict(self.node_selector)}
        if self.tolerations:
            pod["tolerations"] = [_toleration(text) for text in self.tolerations]
        if self.ephemeral_storage:
            pod["genericEphemeralVolume"] = [_scratch(self.ephemeral_storage)]

    def _add_workspace(self, spec: dict[str, Any], kubernetes: dict[str, Any]) -> None:
        """Add a volume that all steps share."""
        shared = any("parameterIterator" in task for task in tasks_of(spec))
        access = self.workspace_access or ("ReadWriteMany" if shared else "ReadWriteOnce")
        claim: dict[str, Any] = {"accessModes": [access]}
        if self.workspace_class:
            claim["storageClassName"] = self.workspace_class
        volume = {"size": self.workspace, "kubernetes": {"pvcSpecPatch": claim}}
        kubernetes.setdefault("pipelineConfig", {})["workspace"] = volume

    def _give_recordings(self, pods: Iterable[dict[str, Any]]) -> None:
        """Let the steps that read recordings see the volumes and the secrets."""
        readers = [
            pod for pod in pods if READS_RECORDINGS in pod.get("podMetadata", {}).get("labels", {})
        ]
        if not readers:
            raise ParameterError(
                "volume, downloads and secret belong to steps that read recordings; "
                "this pipeline has none"
            )
        mounts = [_mount(name, path) for name, path in self.volumes.items()]
        for pod in readers:
            if mounts:
                pod["pvcMount"] = mounts
            if self.secrets:
                pod["secretAsEnv"] = [_secret_as_env(one) for one in self.secrets]

    def _show_downloads(self, spec: dict[str, Any], pods: dict[str, Any]) -> None:
        """Let the steps that open addresses, or take the folder of downloads, see its volume."""
        takers = {
            spec["components"][task["componentRef"]["name"]].get("executorLabel")
            for task in tasks_of(spec)
            if "cache" in _inputs(spec, task)
        }
        for name, pod in pods.items():
            reads = READS_RECORDINGS in pod.get("podMetadata", {}).get("labels", {})
            if reads or name in takers:
                mounts = pod.get("pvcMount", [])
                pod["pvcMount"] = [*mounts, _mount(self.downloads, DOWNLOADS)]


def check_images(compiled: str) -> None:
    """Refuse a compiled pipeline whose image of this package no cluster could pull.

    Raises
    ------
    ParameterError
        If the image has no registry. Images of other names are not examined.
    """
    spec, _ = parse(compiled)
    for executor in spec["deploymentSpec"]["executors"].values():
        image = executor["container"]["image"]
        if image.partition(":")[0] == LOCAL_IMAGE:
            _check_image(image)


def _check_image(image: str) -> None:
    """Refuse an image without a registry: a cluster would look for it in another place."""
    registry, slash, _ = image.partition("/")
    named = slash and (registry == "localhost" or "." in registry or ":" in registry)
    if re.search(r"\s", image) or not named:
        raise ParameterError(
            f"image is {image!r}, which names no registry, so a cluster cannot pull it; build and "
            f"push one (make push IMAGE=registry.example.org/{LOCAL_IMAGE}:0.1.0), then give its "
            "name by --image or STETHOSCOPE_IMAGE"
        )


def _check_claims(mounts: Mapping[str, str]) -> None:
    """Refuse volumes that Kubernetes would not mount."""
    for name, path in mounts.items():
        if not _NAME.fullmatch(name) or not re.fullmatch(r"(/[\w.-]+)+", path):
            raise ParameterError(
                f"volume is {name}:{path}; give the name of an existing claim and the folder in "
                "which the pods see it, such as recordings:/data"
            )
    if len(set(mounts.values())) < len(mounts):
        raise ParameterError("two volumes have the same folder; give each one of its own")


def _mount(name: str, path: str) -> dict[str, Any]:
    return {"pvcNameParameter": _constant(name), "constant": name, "mountPath": path}


def _secret_as_env(secret: Secret) -> dict[str, Any]:
    keys = [{"secretKey": key, "envVar": one} for key, one in secret.variables.items()]
    return {
        "secretName": secret.name,
        "secretNameParameter": _constant(secret.name),
        "keyToEnv": keys,
        "optional": secret.optional,
    }


def _constant(value: str) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def _keep_downloads(spec: dict[str, Any], folder: str) -> None:
    """Let the steps that download keep files in a folder, and those that read them see it."""
    for task in tasks_of(spec):
        if "cache" in _inputs(spec, task):
            inputs = task.setdefault("inputs", {}).setdefault("parameters", {})
            inputs["cache"] = _constant(folder)


def _toleration(text: str) -> dict[str, str]:
    """Return the toleration of ``key=value:effect``, as Kubernetes describes it."""
    found = re.fullmatch(r"(?P<key>[\w./-]+)(=(?P<value>[\w.-]*))?(:(?P<effect>\w+))?", text)
    if not found or found["effect"] not in (None, *EFFECTS):
        raise ParameterError(
            f"toleration is {text!r}; give key=value:effect, key:effect or key, "
            f"with an effect of {', '.join(EFFECTS)}"
        )
    value = {"operator": "Exists"} if found["value"] is None else {"operator": "Equal"}
    return {
        "key": found["key"],
        **value,
        **({"value": found["value"]} if found["value"] else {}),
        **({"effect": found["effect"]} if found["effect"] else {}),
    }


def _scratch(text: str) -> dict[str, Any]:
    """Return a volume that takes the place of the folder in which Kubeflow keeps artifacts.

    Kubernetes merges the mounts of a pod by their paths.
    """
    size, _, folder = text.partition(":")
    return {
        "volumeName": _SCRATCH,
        "mountPath": folder or STORES[0],
        "accessModes": ["ReadWriteOnce"],
        "size": size,
        "defaultStorageClass": True,
    }


def _set_parallelism(spec: dict[str, Any], limit: int) -> None:
    loops = [task for task in tasks_of(spec) if "parameterIterator" in task]
    if not loops:
        raise ParameterError("this pipeline has no loop; parallelism belongs to a sweep")
    for task in loops:
        task["iteratorPolicy"] = {"parallelismLimit": limit}


def _add_gpu(container: dict[str, Any], gpu: str) -> None:
    resource, _, count = gpu.partition(":")
    # Under two pairs of names, as KFP's compiler writes them: older backends read the first.
    container.setdefault("resources", {})["accelerator"] = {
        "type": resource,
        "count": count or "1",
        "resourceType": resource,
        "resourceCount": count or "1",
    }


def _inputs(spec: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    """Return the input parameters of a task."""
    component = spec["components"][task["componentRef"]["name"]]
    inputs: dict[str, Any] = component.get("inputDefinitions", {}).get("parameters", {})
    return inputs
