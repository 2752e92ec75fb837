"""Train a small model over a directory, an S3 bucket or plain HTTP, and say how fast the data came.

    python3 train.py /data                                           images, or shards (.tar), below a directory
    python3 train.py s3://images/ --endpoint http://alluxio-proxy.alluxio:39999/api/v1/s3
    python3 train.py http://alluxio-proxy.alluxio:39999/images       a directory of the cache, by the proxy's REST API

Prints a line an epoch and, last, all of them as one line of JSON. The first epoch is cold where nothing was loaded
before; the later ones show what the cache gives. Runs on Python 3.11 with PyTorch 1.13, and on newer ones.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import io
import json
import os
import random
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

IMAGES = (".jpg", ".jpeg", ".png", ".ppm")
SHARDS = (".tar",)
SIDE = 64
"""Images are scaled to so many pixels a side."""
CLASSES = 100
Sample = tuple[torch.Tensor, int, int, torch.Tensor]
"""Pixels, label, length in bytes, fingerprint."""


class Directory:
    """Files below a directory: a FUSE mount, a copy on the node's disk, anything with a path."""

    def __init__(self, root: str) -> None:
        self.root = Path(root)

    def names(self) -> list[str]:
        """Every file below, relative to it."""
        found = []
        for folder, _, files in os.walk(self.root, onerror=_raise):
            found += [str((Path(folder) / file).relative_to(self.root)) for file in files]
        return sorted(found)

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file's content, from its beginning."""
        return (self.root / name).open("rb")


class Bucket:
    """Objects below s3://BUCKET/PREFIX. The proxy takes a directory at the cache's top for a bucket."""

    def __init__(self, address: str, endpoint: str) -> None:
        self.bucket, _, prefix = address.removeprefix("s3://").partition("/")
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.endpoint = endpoint
        self._client: Any = None
        self._owner = 0

    def client(self) -> Any:
        """A client of this process: one that a fork has inherited shares its connections with the parent."""
        if self._client is None or self._owner != os.getpid():
            import boto3  # noqa: PLC0415 - directories are read without it
            from botocore.config import Config  # noqa: PLC0415

            # The proxy has no name for each bucket, so the bucket stands in the path.
            config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 5})
            endpoint = self.endpoint or None
            self._client = boto3.session.Session().client(
                "s3", endpoint_url=endpoint, config=config
            )
            self._owner = os.getpid()
        return self._client

    def names(self) -> list[str]:
        """Every object's key without the prefix; what ends with a slash is a directory."""
        pages = self.client().get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.bucket, Prefix=self.prefix)
        keys = [item["Key"] for page in found for item in page.get("Contents", [])]
        return sorted(key[len(self.prefix) :] for key in keys if not key.endswith("/"))

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """An object's content as it arrives."""
        answer = self.client().get_object(Bucket=self.bucket, Key=self.prefix + name)
        body: IO[bytes] = answer["Body"]
        return contextlib.closing(body)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_client": None}


class Rest:
    """Files below http://PROXY:PORT/PATH, a path of the cache."""

    def __init__(self, address: str) -> None:
        self.proxy, _, path = address.removeprefix("http://").partition("/")
        self.root = f"/{path.strip('/')}".rstrip("/")

    def names(self) -> list[str]:
        """Every file below, relative to the path."""
        with contextlib.closing(self._connection()) as proxy:
            path = quote(self.root or "/")
            listed = json.load(self._ask(proxy, f"paths/{path}/list-status", {"recursive": True}))
        files = [entry["path"] for entry in listed if not entry["folder"]]
        return sorted(path.removeprefix(f"{self.root}/") for path in files)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file's content as it arrives."""
        # One connection: only the proxy that opened a stream knows it, and the Service chooses one for each connection.
        with contextlib.closing(self._connection()) as proxy:
            path = quote(f"{self.root}/{name}")
            stream = json.load(self._ask(proxy, f"paths/{path}/open-file", {}))
            content = self._ask(proxy, f"streams/{stream}/read", {})
            yield content
            content.read()  # the rest, such as a tar file's padding: the connection has to be free
            self._ask(proxy, f"streams/{stream}/close", {})

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.proxy, timeout=60)

    def _ask(
        self, proxy: http.client.HTTPConnection, what: str, options: dict[str, Any]
    ) -> http.client.HTTPResponse:
        kind = {"Content-Type": "application/json"}
        proxy.request("POST", f"/api/v1/{what}", json.dumps(options), kind)
        answer = proxy.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise OSError(f"{what}: the proxy answered {answer.status}: {answer.read()[:500]!r}")
        return answer


Store = Directory | Bucket | Rest


def store_at(source: str, endpoint: str) -> Store:
    """What an address names."""
    if source.startswith("s3://"):
        return Bucket(source, endpoint)
    return Rest(source) if source.startswith("http://") else Directory(source)


def decode(name: str, content: bytes, *, fingerprint: bool) -> Sample:
    """A sample of an image file. Its label is made of its directory's name: any function of that does here."""
    with Image.open(io.BytesIO(content)) as image:
        pixels = bytearray(image.convert("RGB").resize((SIDE, SIDE)).tobytes())
    tensor = torch.frombuffer(pixels, dtype=torch.uint8).view(SIDE, SIDE, 3).permute(2, 0, 1)
    label = zlib.crc32(name.rpartition("/")[0].encode()) % CLASSES
    mark = hashlib.sha256(name.encode() + b"\0" + content).digest()[:8] if fingerprint else bytes(8)
    return tensor, label, len(content), torch.frombuffer(bytearray(mark), dtype=torch.uint8)


class Images(Dataset):  # type: ignore[type-arg]
    """A sample a file, in any order: many small reads."""

    def __init__(self, store: Store, names: list[str], *, fingerprint: bool) -> None:
        self.store, self.names, self.fingerprint = store, names, fingerprint

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        name = self.names[index]
        with self.store.open(name) as file:
            return decode(name, file.read(), fingerprint=self.fingerprint)


class Shards(IterableDataset):  # type: ignore[type-arg]
    """Samples out of tar files, each read from beginning to end: few large reads. Each worker has shards of its own."""

    def __init__(self, store: Store, names: list[str], *, fingerprint: bool) -> None:
        self.store, self.names, self.fingerprint = store, names, fingerprint
        self.epoch = 0

    def __iter__(self) -> Iterator[Sample]:
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        order = list(self.names)
        random.Random(self.epoch).shuffle(order)  # the same order in every worker
        for name in order[first::step]:
            with (
                self.store.open(name) as file,
                tarfile.open(fileobj=file, mode="r|") as shard,
            ):
                for member in shard:
                    content = shard.extractfile(member)
                    if content is not None:
                        yield decode(member.name, content.read(), fingerprint=self.fingerprint)


def find(store: Store, *, fingerprint: bool) -> Images | Shards:
    """The data set that lies in a store. Raises SystemExit where there is none."""
    names = store.names()
    shards = [name for name in names if name.endswith(SHARDS)]
    if shards:
        return Shards(store, shards, fingerprint=fingerprint)
    images = [name for name in names if name.lower().endswith(IMAGES)]
    if not images:
        # An empty directory of the node is what a pod sees whose FUSE mount is missing.
        raise SystemExit(
            f"Error: no images or shards among {len(names)} files: is the cache mounted?"
        )
    return Images(store, images, fingerprint=fingerprint)


def train(data: Images | Shards, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Run the epochs; how each went."""
    model = torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, CLASSES)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loss_of = torch.nn.CrossEntropyLoss()
    for epoch in range(1, arguments.epochs + 1):
        if isinstance(data, Shards):
            data.epoch = epoch
        loader: DataLoader[Any] = DataLoader(
            data,
            batch_size=arguments.batch_size,
            shuffle=not isinstance(data, Shards),
            num_workers=arguments.workers,
        )
        samples = size = mark = 0
        loss = torch.zeros(())
        begin = time.perf_counter()
        for pixels, labels, lengths, marks in loader:
            optimizer.zero_grad()
            loss = loss_of(model(pixels.float() / 255), labels)
            loss.backward()
            optimizer.step()
            samples += len(labels)
            size += int(lengths.sum())
            for one in marks:
                mark ^= int.from_bytes(bytes(one.tolist()), "big")
        seconds = time.perf_counter() - begin
        yield {
            "epoch": epoch,
            "seconds": round(seconds, 3),
            "samples": samples,
            "samples_per_s": round(samples / seconds, 1),
            "bytes": size,
            "loss": round(float(loss), 4),
            **({"fingerprint": f"{mark:016x}"} if arguments.fingerprint else {}),
        }


def _raise(error: OSError) -> None:
    raise error


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", help="a directory, s3://BUCKET/PREFIX, or http://PROXY/PATH")
    parser.add_argument("--endpoint", default=os.environ.get("S3_ENDPOINT", ""), help="of S3")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="processes that read and decode")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0, help="of the order, and of the model")
    parser.add_argument(
        "--fingerprint",
        action="store_true",
        help="of all names and contents of an epoch, in any order: equal data have equal ones",
    )
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)  # the cores are the loader's
    store = store_at(arguments.source, arguments.endpoint)
    done = []
    for epoch in train(find(store, fingerprint=arguments.fingerprint), arguments):
        rate = epoch["bytes"] / epoch["seconds"] / 2**20
        print(
            f"epoch {epoch['epoch']}  {epoch['seconds']:.2f} s  {epoch['samples_per_s']:.0f} samples/s"
            f"  {rate:.1f} MiB/s  {epoch['samples']} samples  {epoch['bytes']} bytes",
            flush=True,
        )
        done.append(epoch)
    print(json.dumps({"source": arguments.source, "epochs": done}))


if __name__ == "__main__":
    main()
