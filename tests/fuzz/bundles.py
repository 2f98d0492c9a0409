"""Altered bundles: single bits, and files that are wrong although their digests are right.

``python -m tests.fuzz.bundles BUNDLE... --flips 20000 --mutations 10000`` counts what becomes of
them. A flipped bit must be refused. A mutated bundle is opened and tried out in a process of its
own, as `stethoscope.bundle.trial` does it; it must be opened, or refused with one line.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.manifest import NAME, read_manifest, update_manifest
from stethoscope.bundle.seal import seal
from stethoscope.bundle.trial import limit_resources, report
from stethoscope.errors import ModelError
from stethoscope.files import digest

ODD = (None, True, -1, 0, 1, 10**30, 1e308, 5e-324, 0.5, "", "x", "../x", "\ud800", [], {}, [[]])
_NAMES = ("fan/00", "a/b/c", "/", "..", "\0", "normal")
SECONDS = 30
_REPORTED = 500


def files_of(bundle: Path) -> list[Path]:
    """Return the files of a bundle that its manifest covers, the manifest included."""
    return [bundle / NAME, *(bundle / name for name in read_manifest(bundle).entries["files"])]


def flip(path: Path, bit: int) -> None:
    """Alter one bit of a file; a second call restores it."""
    with path.open("r+b") as file:
        file.seek(bit // 8)
        (value,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([value ^ 1 << bit % 8]))


def count_unnoticed_flips(bundle: Path, count: int, draw: random.Random) -> int:
    """Flip single bits, each in a random file, and count the bundles that are not refused."""
    files = [path for path in files_of(bundle) if path.stat().st_size]
    unnoticed = 0
    for _ in range(count):
        path = draw.choice(files)
        bit = draw.randrange(8 * path.stat().st_size)
        flip(path, bit)
        try:
            read_manifest(bundle)
            unnoticed += 1
            print(f"not refused: bit {bit} of {path}", file=sys.stderr)
        except ModelError:
            pass
        flip(path, bit)
    return unnoticed


def mutate(bundle: Path, draw: random.Random) -> str:
    """Alter a bundle in one to three places, and write right digests; return what was done."""
    done = []
    entries = read_manifest(bundle).entries
    names = [name for name in entries["files"] if name.startswith(("models/", "golden/"))]
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        if draw.random() < 0.25:
            entries, text = mutate_json(entries, draw)
            done.append(f"{NAME} {text}")
            continue
        path = bundle / draw.choice(names)
        if path.is_file():
            done.append(f"{path.relative_to(bundle)} {mutate_file(path, draw)}")
    entries = entries if isinstance(entries, dict) else {"it": entries}
    if isinstance(files := entries.get("files"), dict):
        entries["files"] = {
            name: digest(bundle / name) if (bundle / str(name)).is_file() else known
            for name, known in files.items()
            if "\0" not in name and "\ud800" not in name
        }
    _write_manifest(bundle, entries, draw)
    return "; ".join(done)


def _write_manifest(bundle: Path, entries: dict[str, Any], draw: random.Random) -> None:
    path = bundle / NAME
    try:
        path.write_bytes(seal(entries))
    except (ValueError, RecursionError):  # NaN or half a surrogate pair, which no writer writes
        path.write_text(json.dumps(entries))
    if draw.random() < 0.01:
        path.unlink()
        os.mkfifo(path)


def mutate_file(path: Path, draw: random.Random) -> str:
    """Alter a file according to its type, or its bytes."""
    by_suffix: dict[str, Callable[[Path, random.Random], str]] = {
        ".json": _mutate_json_file,
        ".npz": _mutate_arrays,
        ".npy": _mutate_array,
    }
    if draw.random() < 0.7 and (own := by_suffix.get(path.suffix)):
        with suppress(Exception):  # it was altered before and cannot be parsed any more
            return own(path, draw)
    content = path.read_bytes()
    path.write_bytes(mutate_bytes(content, draw))
    return "bytes"


def mutate_bytes(content: bytes, draw: random.Random) -> bytes:
    """Alter, insert, remove or repeat some bytes."""
    altered = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 4, 16, 64))):
        place = draw.randrange(len(altered) + 1)
        length = draw.choice((1, 1, 4, 8, 64))
        way = draw.randrange(6)
        if way == 0:
            altered[place:place] = draw.randbytes(length)
        elif way == 1:
            del altered[place : place + length]
        elif way == 2:
            altered[place:place] = altered[place : place + length]
        elif place + 4 < len(altered):
            odd = draw.choice((0, 1, 0x7F, 0x80, 0x7FFFFFFF, 0xFFFFFFFF, draw.getrandbits(32)))
            altered[place : place + 4] = odd.to_bytes(4, "little")
            if way == 5:
                altered[place] ^= 1 << draw.randrange(8)
    if draw.random() < 0.05:
        del altered[draw.randrange(len(altered) + 1) :]
    return bytes(altered)


def mutate_json(value: Any, draw: random.Random) -> tuple[Any, str]:
    """Return a JSON value with one value inside it altered, and where."""
    if isinstance(value, dict) and value and draw.random() < 0.95:
        key = draw.choice([*value])
        if draw.random() < 0.1:
            rest = {one: item for one, item in value.items() if one != key}
            return (
                (rest, f"without {key}")
                if draw.random() < 0.5
                else (
                    {**rest, draw.choice(_NAMES): value[key]},
                    f"{key} renamed",
                )
            )
        inner, text = mutate_json(value[key], draw)
        return {**value, key: inner}, f"{key}.{text}"
    if isinstance(value, list) and value and draw.random() < 0.9:
        place = draw.randrange(len(value))
        way = draw.random()
        if way < 0.2:
            return value[:place] + value[place + 1 :], f"[{place}] removed"
        if way < 0.3:
            return value + value[place : place + 1], f"[{place}] repeated"
        inner, text = mutate_json(value[place], draw)
        return [*value[:place], inner, *value[place + 1 :]], f"[{place}].{text}"
    if isinstance(value, (int, float)) and not isinstance(value, bool) and draw.random() < 0.6:
        factor = draw.choice((-1, 0, 0.5, 2, 10, 1000, 1e9, 1 + 1e-9))
        new: Any = value * factor if isinstance(value, float) else int(value * factor)
        new = draw.choice((new, value + 1, value - 1))
    else:
        new = draw.choice((*ODD, float("nan"), float("inf")))
    return new, f"= {new!r:.40}"


def _mutate_json_file(path: Path, draw: random.Random) -> str:
    value, text = mutate_json(json.loads(path.read_text(encoding="utf-8")), draw)
    path.write_text(json.dumps(value), encoding="utf-8")
    return text


def _mutate_array(path: Path, draw: random.Random) -> str:
    values, text = alter_array(np.load(path), draw)
    np.save(path, values)
    return text


def _mutate_arrays(path: Path, draw: random.Random) -> str:
    with np.load(path) as file:
        arrays = dict(file)
    name = draw.choice([*arrays])
    if draw.random() < 0.1:
        del arrays[name]
        text = "removed"
    else:
        arrays[name], text = alter_array(arrays[name], draw)
    if draw.random() < 0.1:
        np.savez_compressed(path, **arrays)
    else:
        np.savez(path, **arrays)
    return f"{name} {text}"


def alter_array(values: Any, draw: random.Random) -> tuple[Any, str]:
    """Return an array with another shape, type or value, and what was done."""
    way = draw.randrange(8)
    if way == 0 and values.ndim:
        return values[: draw.randrange(len(values) + 1)], "cut"
    if way == 1:
        return values[np.newaxis], "with one more dimension"
    if way == 2 and values.ndim:
        return np.concatenate([values, values]), "repeated"
    if way == 3:
        return values.T, "transposed"
    if way == 4:
        kind = draw.choice((np.float16, np.float32, np.float64, np.int8, np.complex64, bool, "U3"))
        try:
            return values.astype(kind), f"as {kind}"
        except (ValueError, TypeError):
            return np.zeros(values.shape), "as zeros"
    if values.dtype.kind not in "fiu" or not values.size:
        return np.zeros(values.shape), "as zeros"
    altered = np.array(values)
    place = draw.randrange(altered.size)
    odd = draw.choice((0, -1, 1, 1e30, -1e30, float("nan"), float("inf"), 5e-324))
    if way == 5:
        altered = altered * altered.dtype.type(draw.choice((0, -1, 2, 1e20, 1 + 1e-6)))
        return altered, "scaled"
    with np.errstate(all="ignore"):
        try:
            altered.reshape(-1)[place] = odd
        except (OverflowError, ValueError):
            altered.reshape(-1)[place] = 0
    return altered, f"[{place}] = {odd}"


def outcome(bundle: Path) -> dict[str, Any]:
    """Open and try out a bundle in a forked process; return what it reports, or how it ended."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            os.close(reading)
            signal.alarm(SECONDS)
            limit_resources(seconds=SECONDS)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            answer = report(str(bundle))
        except BaseException as error:
            answer = {"failure": f"{type(error).__name__}: {error}"}
        os.write(writing, json.dumps(answer).encode()[:60_000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        content = file.read()
    _, status = os.waitpid(child, 0)
    if not content:
        return {"ended": signal.Signals(os.WTERMSIG(status)).name if status else "silently"}
    found: dict[str, Any] = json.loads(content)
    return found


def judge(found: dict[str, Any], bundle: Path) -> tuple[str, str]:
    """Return the class of an outcome, and what is wrong with it (empty if nothing is)."""
    if "failure" in found:
        return "failure", found["failure"]
    if "ended" in found:
        return f"contained {found['ended']}", ""
    if error := found.get("error"):
        wrong = "more than one line" if "\n" in error else "" if ";" in error else "no remedy"
        return "refused", f"{wrong}: {error}" if wrong else ""
    return "opened", ""


def ready(bundle: Path, copy: Path) -> Path:
    """Copy a bundle to `copy` as this version writes it."""
    shutil.copytree(bundle, copy)
    update_manifest(copy)
    return copy


def mutated_outcome(source: Path, seed: int) -> tuple[str, str, str]:
    """Return what was mutated, the class of the outcome, and what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(source, Path(folder) / "bundle"))
        done = mutate(copy, random.Random(seed))
        return done, *judge(outcome(copy), copy)


def main() -> int:
    """Count what becomes of altered bundles, and return 1 if a count is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE")
    parser.add_argument("--flips", type=int, default=0)
    parser.add_argument("--mutations", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        copies = [
            ready(bundle, Path(folder) / str(number))
            for number, bundle in enumerate(options.bundles)
        ]
        for copy in copies:
            Bundle.open(copy)  # loads what the forked processes share
        draw = random.Random(options.seed)
        share = -(-options.flips // len(copies))
        unnoticed = sum(count_unnoticed_flips(copy, share, draw) for copy in copies if share)
        if share:
            print(f"{share * len(copies)} single-bit flips: {unnoticed} not refused", flush=True)
        counts: Counter[str] = Counter()
        for number in range(options.mutations):
            seed = options.seed + number
            done, kind, wrong = mutated_outcome(copies[seed % len(copies)], seed)
            counts[kind] += 1
            if (number + 1) % _REPORTED == 0:
                print(
                    f"{number + 1} mutated bundles: {dict(counts)}, {failed} failures", flush=True
                )
            if wrong:
                failed += 1
                print(f"seed {seed} ({done}): {wrong}", file=sys.stderr, flush=True)
        if options.mutations:
            print(f"{options.mutations} mutated bundles: {dict(counts)}, {failed} failures")
    return 1 if failed or unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
