"""The lab's image is made of the files that users build theirs from."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from lab.artifacts import toolbox_image
from lab.artifacts.catalog import RECIPES
from lab.up import FOR_A_NODE


def test_it_has_what_measuring_takes_and_every_node_has_it() -> None:
    packages = toolbox_image.PACKAGES.read_text(encoding="utf-8").split()
    assert {"python3", "python3-boto3", "iperf3"} <= set(packages)
    assert "images-toolbox" in FOR_A_NODE
    recipe = RECIPES["images-toolbox"]
    copied = re.findall(
        r"^COPY (.*) /tmp/toolbox/$", toolbox_image.CONTAINERFILE.read_text(), re.MULTILINE
    )
    assert {path.name for path in recipe.inputs} == {"Containerfile", *copied[0].split()}


def test_of_botocore_s3_is_left(tmp_path: Path) -> None:
    data = tmp_path / "usr/lib/python3/dist-packages/botocore/data"
    for service in ("s3", "sts", "ec2"):
        (data / service).mkdir(parents=True)
    (data / "endpoints.json").touch()
    (tmp_path / "var/lib/apt/lists/some").mkdir(parents=True)
    subprocess.run(["sh", toolbox_image.SHRINK, str(tmp_path)], check=True)
    assert sorted(path.name for path in data.iterdir()) == ["endpoints.json", "s3", "sts"]
    assert list((tmp_path / "var/lib/apt/lists").iterdir()) == []


def test_a_root_without_s3_is_no_image(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", toolbox_image.SHRINK, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "no S3" in done.stderr
