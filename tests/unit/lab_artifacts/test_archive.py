"""Images are docker archives, the same bytes for the same files, with digests that are true."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from lab.artifacts.archive import EPOCH, Entry, Image, tree, write_image

IMAGE = Image("example/app:1", ["/app"], env={"A": "b"}, user="1000", workdir="/srv")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "root"
    (place / "bin").mkdir(parents=True)
    (place / "bin/app").write_bytes(b"x" * 70_000)
    (place / "bin/app").chmod(0o755)
    (place / "link").symlink_to("bin/app")
    os.link(place / "bin/app", place / "zz-hard")
    return place


def archive(out: Path, *layers: Path) -> dict[str, bytes]:
    write_image(out, IMAGE, [tree(layer) for layer in layers])
    with tarfile.open(out) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_the_manifest_points_at_a_config_with_the_layers_true_digests(
    root: Path, tmp_path: Path
) -> None:
    members = archive(tmp_path / "image.tar", root, root / "bin")
    manifest = json.loads(members["manifest.json"])
    assert manifest == [
        {
            "Config": "config.json",
            "RepoTags": ["example/app:1"],
            "Layers": ["layer0.tar", "layer1.tar"],
        }
    ]
    config = json.loads(members["config.json"])
    digests = [hashlib.sha256(members[name]).hexdigest() for name in manifest[0]["Layers"]]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}" for digest in digests]
    assert config["config"]["Entrypoint"] == ["/app"]
    assert config["config"]["User"] == "1000"
    assert "A=b" in config["config"]["Env"]


def test_a_layer_has_files_links_modes_and_one_time(root: Path, tmp_path: Path) -> None:
    archive(tmp_path / "image.tar", root)
    with tarfile.open(tmp_path / "image.tar") as outer:
        layer = outer.extractfile("layer0.tar")
        with tarfile.open(fileobj=layer) as tar:
            members = {member.name: member for member in tar}
    assert list(members) == ["bin", "bin/app", "link", "zz-hard"]
    assert members["bin/app"].mode == 0o755
    assert members["link"].linkname == "bin/app"
    assert members["zz-hard"].islnk()
    assert {member.mtime for member in members.values()} == {EPOCH}
    assert {(member.uname, member.gname) for member in members.values()} == {("", "")}


def test_the_same_files_give_the_same_bytes(root: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.tar", tmp_path / "2.tar"
    write_image(first, IMAGE, [tree(root)])
    os.utime(root / "bin/app", (1, 1))
    write_image(second, IMAGE, [tree(root)])
    assert first.read_bytes() == second.read_bytes()


def test_an_entry_gets_the_mode_and_owner_it_is_given(root: Path, tmp_path: Path) -> None:
    entries = [Entry("opt/app", root / "bin/app", mode=0o500, owner=(1000, 1001))]
    write_image(tmp_path / "image.tar", IMAGE, [entries])
    with (
        tarfile.open(tmp_path / "image.tar") as outer,
        tarfile.open(fileobj=outer.extractfile("layer0.tar")) as tar,
    ):
        (member,) = tar
    assert (member.name, member.mode, member.uid, member.gid) == ("opt/app", 0o500, 1000, 1001)
