"""From a bundle to a folder of C for microcontrollers.

The folder holds everything that a device needs: the int8 model, the front end in C99 without heap,
a detector, golden vectors with a self-test, build files and examples. The same bundle always gives
the same files.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from stethoscope import __version__
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.edit import add_files
from stethoscope.edge.c import frontend
from stethoscope.edge.c.anomaly import anomaly_target
from stethoscope.edge.c.classes import class_target, diagnosis_task
from stethoscope.edge.c.cost import Work, clip_work, network_operations, stream_work, total
from stethoscope.edge.c.events import event_target
from stethoscope.edge.c.golden import golden_files
from stethoscope.edge.c.memory import MemoryReport, report_memory
from stethoscope.edge.c.model import model_constants, model_header, model_source
from stethoscope.edge.c.packages import package_values, placed
from stethoscope.edge.c.pooled import FOLDERS, SOURCES, PooledTarget, pooled_target, pooled_values
from stethoscope.edge.c.prefix import check_prefix, prefixed
from stethoscope.edge.c.structs import struct_size
from stethoscope.edge.c.target import Target
from stethoscope.edge.c.text import Array, Constant
from stethoscope.edge.conversion import DESCRIPTION
from stethoscope.edge.detector import known_machine
from stethoscope.edge.pooled import POOLED
from stethoscope.errors import ModelError, ParameterError
from stethoscope.files import atomic_folder, digest, write_json, write_text
from stethoscope.model.int8 import check_for_microcontroller
from stethoscope.sound.mfcc import Mfcc

_TEMPLATE = ".in"
_USAGE = "_usage.c"
_NETWORK_SOURCES = "detector.c decision.c frontend.c fft.c model.c network.c"
_NETWORK_FILES = """\
| `src/model.h`, `src/model.c` | constants, the int8 TFLite model, tables of the front end, layers |
| `src/frontend.*`, `src/fft.*` | the front end, C99, no heap |
| `src/network.h`, `src/network.c` | the network in plain C; nothing else is needed |
| `tflm/network_tflm.cc` | the same with TensorFlow Lite Micro, for `-DNETWORK_TFLM` |
| `src/detector.h`, `src/detector.c` | functions for programs; the header explains them |
| `src/decision.h`, `src/decision.c` | from the network's output to results |
"""


def export_c(
    bundle: Bundle,
    folder: str | os.PathLike[str],
    *,
    role: str = "",
    machine: str = "",
    prefix: str = "",
) -> MemoryReport:
    """Write the model of a bundle as C, and put a copy with its hashes into the bundle.

    Parameters
    ----------
    bundle : Bundle
    folder : path
        Written all or nothing.
    role : {"", "events", "detector", "diagnosis"}
        Of the model; empty takes that of events, or else the detector.
    machine : str
        Machine type and id, ``fan/02``, that the default detector is for; without an id it scores
        as each known machine of the type.
    prefix : str
        Of all names in C; empty for none.

    Returns
    -------
    MemoryReport

    Raises
    ------
    ModelError
        If the bundle has no int8 network, or one that plain C cannot run.
    ParameterError
        If the prefix cannot begin a name.
    """
    target = _target(bundle, role, machine)
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / "c"
        memory = _write(target, written, prefix)
        add_files(bundle.folder, written, "c")
        with atomic_folder(folder) as temporary:
            shutil.copytree(written, temporary, dirs_exist_ok=True)
    return memory


def export_classifier_c(
    model: Path, folder: str | os.PathLike[str], *, prefix: str = ""
) -> MemoryReport:
    """Write the classifier of a model folder as C.

    Parameters
    ----------
    model : Path
        With the int8 network that :func:`stethoscope.edge.classifier.make_edge_classifier` made.
    folder : path
        Written all or nothing.
    prefix : str
        Of all names in C; empty for none.

    Returns
    -------
    MemoryReport

    Raises
    ------
    ModelError
        If there is no int8 network, or one that plain C cannot run.
    ParameterError
        If the prefix cannot begin a name.
    """
    target = class_target(model, "sounds")
    with atomic_folder(folder) as temporary:
        return _write(target, temporary, prefix)


def _target(bundle: Bundle, role: str, machine: str) -> Target | PooledTarget:
    if role == "diagnosis":
        if bundle.diagnosis is None:
            raise ModelError(
                f"{bundle.folder}: has no diagnosis, it has {', '.join(bundle.models)}; "
                f"train on faulty recordings too"
            )
        model = bundle.folder / "models" / "diagnosis"
        target = class_target(model, f"{bundle.name}-diagnosis", diagnosis_task(model))
        return replace(target, labels=bundle.diagnosis.labels)  # as its faults are named now
    if role in ("", "events") and "events" in bundle.models:
        if machine:
            raise ParameterError(
                f"--machine is {machine!r}, and a model of events is for no machine; leave it out, "
                f"or export the detector by --role detector"
            )
        return event_target(bundle)
    if role == "events":
        _ = bundle.events  # raises an error that names the models of the bundle
    if bundle.detector.kind == POOLED:
        return pooled_target(bundle, known_machine(bundle, machine))
    if (bundle.folder / "models" / "detector" / DESCRIPTION).is_file():
        return anomaly_target(bundle, machine)
    raise ModelError(
        f"{bundle.folder}: holds no int8 network; a detector autoencoder is converted with "
        f"recordings of the machine, given by --recordings"
    )


def _write(target: Target | PooledTarget, folder: Path, prefix: str) -> MemoryReport:
    """Write all files into a folder."""
    if prefix:
        check_prefix(prefix)
    if isinstance(target, PooledTarget):
        files = dict(_sources(FOLDERS))
        memory, values = pooled_values(target, files)
    else:
        files = dict(_sources(target.folders))
        memory, values = _network_values(target, files)
    sources = SOURCES if isinstance(target, PooledTarget) else _NETWORK_SOURCES
    package = package_values(target.name, sources)
    values["README.md"] |= {
        "name": target.name,
        "task": target.task,
        "facts": target.facts,
        "version": __version__,
        "usage": files.pop(_USAGE),
        "detector": f"{memory.detector_ram:,}",
        "sample_rate": str(target.feature.sample_rate),
    }
    texts = {"MEMORY.md": memory.to_markdown()}
    for name, text in files.items():
        if name.endswith(_TEMPLATE):
            name = name.removesuffix(_TEMPLATE)
            text = Template(text).substitute({**package, **values.get(name, {})})
        texts[name] = text
    for name, text in (prefixed(texts, prefix) if prefix else texts).items():
        write_text(folder / name, text)
    write_json(folder / "memory.json", memory.to_json())
    _write_hashes(folder)
    return memory


def _network_values(
    target: Target, files: Mapping[str, str]
) -> tuple[MemoryReport, dict[str, dict[str, str]]]:
    """Return the memory report, and the values for the templates by name."""
    operators = check_for_microcontroller(target.file.content, "the int8 model")
    tables = [*frontend.arrays(target.feature), *target.arrays]
    constants = model_constants(target)
    headers = tuple(files[f"src/{name}.h"] for name in ("network", "decision", "detector"))
    memory = _memory(target, constants, tables, headers)
    golden_header, golden_source = golden_files(target)
    return memory, {
        "src/model.h": model_header(target, constants, tables, operators, memory),
        "src/model.c": model_source(target, tables),
        "test/golden.h": golden_header,
        "test/golden.c": golden_source,
        "README.md": {
            "files": _NETWORK_FILES,
            "operators": f"\nTo run the network by TensorFlow Lite Micro, define NETWORK_TFLM for "
            f"all files and compile `tflm/network_tflm.cc` too. It needs the operators "
            f"{', '.join(operators)}, and a tensor arena of {memory.arena:,} bytes.\n",
        },
    }


def _sources(folders: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield name and text of every file that some folders of ``sources`` give."""
    for folder in folders:
        for name, text in _walk(resources.files(__package__).joinpath("sources", folder)):
            yield from ((place, text) for place in placed(name))


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = prefix + entry.name
        if entry.is_dir():
            yield from _walk(entry, f"{name}/")
        else:
            yield name, entry.read_text(encoding="utf-8")


def _memory(
    target: Target, constants: list[Constant], tables: list[Array], headers: tuple[str, ...]
) -> MemoryReport:
    """Work out memory and time that a target needs."""
    feature = target.feature
    frames = feature.sample_rate / feature.hop_length
    # The frames of a clip are computed twice: for its loudest band, and for their values.
    passes = 2 if target.clip_samples else 1
    return report_memory(
        target.file.content,
        target.file.layers,
        tables=sum(table.values.nbytes for table in tables),
        detector=struct_size("detector_t", headers, constants),
        runs=frames / target.stride,
        frame_macs=passes * frames * frontend.macs_per_frame(feature, tables),
        clip=2 * target.clip_samples,
        work=_clip_work(target) if target.clip_samples else _stream_work(target, constants),
    )


def _stream_work(target: Target, constants: list[Constant]) -> Work:
    """Return what a detector of a stream computes."""
    feature, network = target.feature, target.file.layers
    moved = (target.window - target.stride) * feature.size
    lengths = [int(one.value) for one in constants if one.name == "EVENT_LENGTHS"]
    decision = (
        {"candidate for an event": lengths[0]}
        if lengths
        else {"error of an output": network.output_size}
    )
    window = [network_operations(network), decision, {"byte that is moved": moved}]
    return stream_work(
        frame=frontend.frame_operations(feature),
        frame_rate=feature.sample_rate / feature.hop_length,
        n_fft=feature.n_fft,
        hop_length=feature.hop_length,
        n_values=feature.size,
        stride=target.stride,
        window=total([(1, part) for part in window]),
    )


def _clip_work(target: Target) -> Work:
    """Return what a classifier of clips computes."""
    feature = target.feature
    frame = [frontend.frame_operations(feature), {"sample of a clip": feature.n_fft}]
    values = {"value that is normalised": feature.size}
    if isinstance(feature, Mfcc):
        products = feature.size * feature.log_mel.n_mels
        values |= {"product of a cosine transform": products}
    return clip_work(
        frame=total([(1, part) for part in frame]),
        values=values,
        n_frames=target.window,
        network=network_operations(target.file.layers),
        seconds=target.clip_samples / feature.sample_rate,
    )


def _write_hashes(folder: Path) -> None:
    """Write the SHA-256 of every file of a folder."""
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    lines = [f"{digest(folder / name)}  {name}\n" for name in names]
    write_text(folder / "SHA256SUMS", "".join(lines))
