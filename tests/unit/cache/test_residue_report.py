"""An uninstall ends with what went, what is left where, and what to do next."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.residue_report import Uninstall, lines

PATH = "/mnt/fuse3/alluxio/alluxio"


def directory(name: str, *, files: int = 3, formatted: bool = False) -> dict[str, Any]:
    return {"path": f"{PATH}/{name}", "files": files, "bytes": 2048, "formatted": formatted}


NODE = {
    "directories": [directory("journal", formatted=True), directory("tier0", files=0)],
    "mounts": [{"point": "/mnt/alluxio-fuse", "state": "detached"}],
}


def told(**more: Any) -> str:
    given: dict[str, Any] = {"nodes": {"n1": NODE}, "root_ufs": "s3://datasets/", **more}
    return "\n".join(lines(Uninstall("alluxio", "alluxio", **given)))


def test_what_went_and_what_is_left() -> None:
    text = told(
        helm=["alluxio"],
        removed=["Secret alluxio-ufs-credentials"],
        left={
            "namespace": "it holds Pod x",
            "claims": ["m"],
            "volumes": ["pv (Released, of claim m)"],
        },
        helm_hosts=["n1"],
    )
    assert "3 things removed" in text
    assert "Helm release alluxio" in text
    assert f"{PATH}/journal on n1: a journal, 3 files, 2 KiB" in text
    assert f"{PATH}/tier0 on n1: empty" in text
    assert "dead mount /mnt/alluxio-fuse on n1" in text
    assert "PersistentVolume pv (Released" in text
    assert "namespace alluxio: it holds Pod x" in text
    assert "the data in s3://datasets/: never touched" in text
    assert "Helm on n1: installed as before" in text
    assert "alluxio_confirm_purge=alluxio" in text


def test_an_old_copy_of_a_journal_is_no_journal_to_take_up() -> None:
    copy = {**directory("journal", formatted=True), "is_old_copy": True}
    text = told(nodes={"n2": {"directories": [copy]}})
    assert f"{PATH}/journal on n2: an old copy of a journal, 3 files, 2 KiB" in text
    assert "takes the journal up again" not in text


def test_a_second_run_says_that_there_was_nothing() -> None:
    node = {**NODE, "mounts": []}
    assert "nothing was there to remove" in told(nodes={"n1": node})


def test_a_purge_tells_the_directory_once() -> None:
    node = {"directories": [], "mounts": [], "purged": [f"{PATH}/journal", PATH]}
    text = told(nodes={"n1": node}, purged=True)
    assert f"removed      {PATH} on n1" in text
    assert f"{PATH}/journal" not in text
    assert "next" not in text


def test_a_node_that_is_down_is_said_to_be_unknown() -> None:
    assert "n2: not known, no route" in told(nodes={"n2": {"unreachable": True, "msg": "no route"}})


def test_check_mode_says_would() -> None:
    assert "would remove" in told(helm=["alluxio"], dry=True)
