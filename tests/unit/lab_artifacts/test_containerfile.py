"""The images that the lab and users make of one Containerfile."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from lab.artifacts import containerfile, toolbox_image, trainer_image
from lab.errors import LabError
from tools.repository import ROOT


@pytest.mark.parametrize("image", [toolbox_image, trainer_image])
def test_what_the_lab_reads_of_a_containerfile(image: ModuleType) -> None:
    assert containerfile.release(image.CONTAINERFILE).isalpha()
    assert containerfile.user(image.CONTAINERFILE) == "1000"


@pytest.mark.parametrize("text", ["FROM debian:12\nUSER me\n", "FROM debian:a-slim\n" * 2])
def test_a_containerfile_that_does_not_say_it_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "Containerfile"
    path.write_text(text)
    with pytest.raises(LabError, match="FROM debian:RELEASE-slim"):
        containerfile.release(path)
    with pytest.raises(LabError, match="USER NUMBER"):
        containerfile.user(path)


def test_users_and_the_lab_put_the_same_into_the_trainers_image() -> None:
    text = trainer_image.CONTAINERFILE.read_text(encoding="utf-8")
    scripts = [path.relative_to(ROOT).as_posix() for path in trainer_image.SCRIPTS]
    assert f"COPY {' '.join(scripts)} /{trainer_image.PLACE}/" in text
    packages = trainer_image.PACKAGES.relative_to(ROOT).as_posix()
    assert f"COPY {packages} /tmp/packages" in text
    assert "$(cat /tmp/packages)" in text
