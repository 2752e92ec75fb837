"""Make a data set to try things with: images in a directory a class, or the same in shards.

    python3 make_dataset.py /tmp/images --files 1000
    python3 make_dataset.py /tmp/shards --files 1000 --shards 8

The same seed makes the same bytes on every machine. Copy it to the store with any S3 client, then declare it in
alluxio_datasets. Needs Python's standard library only.
"""

from __future__ import annotations

import argparse
import io
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path


def images(files: int, classes: int, side: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents: noise, which no file system or store can compress away; 3 x side x side bytes each."""
    noise = random.Random(seed)
    header = f"P6 {side} {side} 255\n".encode()
    for number in range(files):
        name = f"class-{number % classes:03d}/{number:06d}.ppm"
        yield name, header + noise.randbytes(3 * side * side)


def write_images(root: Path, made: Iterator[tuple[str, bytes]]) -> None:
    """A file an image."""
    for name, content in made:
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def write_shards(root: Path, made: Iterator[tuple[str, bytes]], count: int) -> None:
    """shard-NNNN.tar, with every count-th image each."""
    root.mkdir(parents=True, exist_ok=True)
    shards = [tarfile.open(root / f"shard-{number:04d}.tar", "w") for number in range(count)]  # noqa: SIM115 - closed below
    for number, (name, content) in enumerate(made):
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        shards[number % count].addfile(entry, io.BytesIO(content))
    for shard in shards:
        shard.close()


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--side", type=int, default=192, help="pixels: 192 makes 110 kB an image")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--shards", type=int, default=0, help="so many tar files; 0: a file an image"
    )
    arguments = parser.parse_args()
    made = images(arguments.files, arguments.classes, arguments.side, arguments.seed)
    if arguments.shards:
        write_shards(arguments.directory, made, arguments.shards)
    else:
        write_images(arguments.directory, made)


if __name__ == "__main__":
    main()
