"""A large archive through an object store: moto's S3 server, in a process of its own.

    python benchmarks/object_store.py --gigabytes 1

An archive of random bytes is uploaded with Amazon's own client, then downloaded with its MD5. The
download is stopped once in the middle, by the end of its process, and resumed by a second one. The
processor time and the peak memory are those of the process that downloads.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import boto3

KEYS = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "secret"}

DOWNLOAD = """
import json, resource, sys
from stethoscope.datasets.download.fetch import fetch
[one] = fetch(sys.argv[1], sys.argv[2], md5=sys.argv[3])
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"bytes": one.bytes, "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
                  "peak_mb": round(usage.ru_maxrss / 1024)}))
"""

SERVER = """
from moto.server import ThreadedMotoServer
one = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
one.start()
print(*one.get_host_and_port(), flush=True)
input()
"""


def make_archive(path: Path, size: int) -> str:
    """Write a zip of recordings that cannot be compressed, and return its MD5."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(max(size >> 26, 1)):
            name = f"fan/train/normal_id_00_{number:08d}.wav"
            archive.writestr(name, os.urandom(min(size, 1 << 26)))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def interrupted(address: str, folder: Path, md5: str, half: int) -> int:
    """Kill a download when half of the file has arrived; return the bytes that are there."""
    part = folder / "fan.zip.part"
    command = [sys.executable, "-c", DOWNLOAD, address, str(folder), md5]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not (part.exists() and part.stat().st_size > half):
            time.sleep(0.05)
        process.kill()
    return part.stat().st_size


def main() -> None:
    """Upload, download in two parts, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server,
    ):
        try:
            host, port = server.stdout.readline().split() if server.stdout else ("", "")
            os.environ |= {**KEYS, "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}"}
            print(json.dumps(measure(Path(folder), int(options.gigabytes * 1e9)), indent=1))
        finally:
            server.kill()


def measure(folder: Path, size: int) -> dict[str, object]:
    """Return what the download took of an archive of a size."""
    archive, copy = folder / "fan.zip", folder / "copy"
    md5 = make_archive(archive, size)
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="recordings")
    client.upload_file(str(archive), "recordings", "line 3/fan.zip")
    copy.mkdir()
    address = "s3://recordings/line 3/fan.zip"
    before = interrupted(address, copy, md5, size // 2)
    command = [sys.executable, "-c", DOWNLOAD, address, str(copy), md5]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    rest: dict[str, object] = json.loads(lines[-1])
    return {"killed_at_bytes": before, "resumed": rest, "md5": md5}


if __name__ == "__main__":
    main()
