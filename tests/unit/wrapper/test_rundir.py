from __future__ import annotations

import stat
from pathlib import Path

import pytest

from alluxops.rundir import default_base, run_directory, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_can_look_inside_and_it_goes(tmp_path: Path) -> None:
    with run_directory(tmp_path) as directory:
        file = write_private(directory, "extra-vars-1.yml", "secret: x")
        assert (mode(directory), mode(file)) == (0o700, 0o600)
        assert file.read_text() == "secret: x"
    assert list(tmp_path.iterdir()) == []


def test_it_goes_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), run_directory(tmp_path):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    abandoned = tmp_path / "alluxops-run-dead"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    write_private(abandoned, "extra-vars-1.yml", "secret: x")
    foreign = tmp_path / "other"
    foreign.mkdir()
    with run_directory(tmp_path) as first:
        assert not abandoned.exists()
        with run_directory(tmp_path) as second:
            assert first.is_dir()
            assert first != second
        assert first.is_dir()
    assert list(tmp_path.iterdir()) == [foreign]


def test_an_existing_file_is_never_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine")
    (tmp_path / "name").symlink_to(tmp_path / "target")
    with pytest.raises(FileExistsError):
        write_private(tmp_path, "name", "x")


def test_memory_is_preferred(tmp_path: Path) -> None:
    assert default_base({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path
    assert default_base({"XDG_RUNTIME_DIR": "/does/not/exist"}) != Path("/does/not/exist")
