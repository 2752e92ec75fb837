"""Helm as a child process: a stand-in on disk records how it is called."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import pwd
import socket
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.module_utils import helm as helms
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils.charts import packed, read_chart
from ansible_collections.alluxops.cache.plugins.plugin_utils.kubeconfig import portable

STAND_IN = """#!{python}
import json, os, sys
folder = os.path.dirname(os.path.abspath(__file__))
kubeconfig = sys.argv[sys.argv.index("--kubeconfig") + 1]
with open(os.path.join(folder, "calls"), "a") as file:
    print(json.dumps({{
        "argv": sys.argv[1:],
        "mode": oct(os.stat(kubeconfig).st_mode & 0o777),
        "kubeconfig": open(kubeconfig).read(),
        "env": sorted(name for name in os.environ if name.startswith(("HELM", "KUBE"))),
        "descriptors": [os.readlink("/proc/self/fd/" + n) for n in os.listdir("/proc/self/fd")
                        if os.path.exists("/proc/self/fd/" + n)],
    }}), file=file)
answer = os.path.join(folder, sys.argv[1])
if not os.path.exists(answer):
    sys.exit("Error: release: not found")
print(open(answer).read())
"""


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A Helm for release alluxio; `helm.answers` is where the stand-in finds what to say."""
    binary = tmp_path / "bin/helm"
    binary.parent.mkdir()
    binary.write_text(STAND_IN.format(python=sys.executable))
    binary.chmod(0o755)
    monkeypatch.setenv("KUBECONFIG", "/somewhere/else")
    monkeypatch.setenv("HELM_NAMESPACE", "other")
    found = helms.Helm(str(binary), "cache", "alluxio")
    found.folder = str(tmp_path / "run/cache.alluxio")
    return found


def calls(helm: helms.Helm) -> list[dict[str, Any]]:
    """How the stand-in was called."""
    text = (Path(helm.binary).parent / "calls").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_helm_gets_its_secrets_in_a_private_file_that_does_not_stay(helm: helms.Helm) -> None:
    with helm:
        helm.open("token: hunter2", {"a": 1}, 5)
        assert stat.S_IMODE(Path(helm.folder).stat().st_mode) == 0o700
        assert json.loads((Path(helm.folder) / "values.json").read_text()) == {"a": 1}
        assert helm.history() == []
    (call,) = calls(helm)
    assert call["kubeconfig"] == "token: hunter2"
    assert call["mode"] == "0o600"
    assert "hunter2" not in " ".join(call["argv"])
    assert call["argv"][-4:-2] == ["--namespace", "cache"]
    assert not Path(helm.folder).exists()


def test_the_users_environment_does_not_lead_helm_elsewhere(helm: helms.Helm) -> None:
    with helm:
        helm.open("", {}, 5)
        helm.history()
    assert calls(helm)[0]["env"] == []


def test_helm_itself_holds_the_lock_so_that_it_outlives_who_started_it(helm: helms.Helm) -> None:
    with helm:
        helm.open("", {}, 5)
        helm.history()
    assert f"{helm.folder}.lock" in calls(helm)[0]["descriptors"]


def test_a_helm_still_at_work_is_waited_for_and_then_named(helm: helms.Helm) -> None:
    lock = Path(f"{helm.folder}.lock")
    lock.parent.mkdir(parents=True)
    with lock.open("w") as other, helm:
        fcntl.flock(other, fcntl.LOCK_EX)
        before = time.monotonic()
        with pytest.raises(CacheError, match="still at work") as caught:
            helm.open("", {}, 0.6)
        assert time.monotonic() - before >= 0.6
        assert str(lock) in caught.value.fix


def another_user(monkeypatch: pytest.MonkeyPatch, uid: int, home: Path) -> None:
    """Let this process seem to be another user's."""
    entry = pwd.struct_passwd(("u", "x", uid, uid, "", str(home), "/bin/sh"))
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: entry)


def test_the_lock_is_the_same_at_a_desk_and_by_cron(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_user(monkeypatch, 1000, tmp_path)
    folders = set()
    for session, home in (("/run/user/1000", "/home/u"), ("", "/home/u"), ("", "/root")):
        monkeypatch.setenv("XDG_RUNTIME_DIR", session)
        monkeypatch.setenv("HOME", home)
        folders.add(helms.Helm("helm", "cache", "alluxio").folder)
    (folder,) = folders
    assert folder.startswith(f"{tmp_path}/.cache/alluxops/")
    assert folder.endswith("/cache.alluxio")


def test_hosts_that_share_a_home_have_their_own_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_user(monkeypatch, 1000, tmp_path)
    here = helms.private_folder()
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    assert helms.private_folder() != here


def test_roots_lock_lies_where_only_root_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    another_user(monkeypatch, 0, Path("/root"))
    assert helms.private_folder() == "/run/alluxops"


def test_each_user_has_a_label_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = set()
    for uid in (0, 1000, 1001):
        another_user(monkeypatch, uid, tmp_path)
        labels.add(helms.host_label())
    assert len(labels) == 3


def test_a_lock_that_leads_elsewhere_is_not_followed(helm: helms.Helm, tmp_path: Path) -> None:
    Path(helm.folder).parent.mkdir(parents=True)
    Path(f"{helm.folder}.lock").symlink_to(tmp_path / "victim")
    with helm, pytest.raises(CacheError, match="cannot be made"):
        helm.open("", {}, 5)
    assert not (tmp_path / "victim").exists()


def test_a_user_without_a_home_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    another_user(monkeypatch, 1000, tmp_path / "file")
    found = helms.Helm("helm", "cache", "alluxio")
    with pytest.raises(CacheError, match="cannot be made on this host") as caught:
        found.open("", {}, 5)
    assert "ansible_become" in caught.value.fix


def test_a_helm_that_an_api_server_leaves_waiting_is_ended_and_explained(
    helm: helms.Helm, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(helm.binary).write_text('#!/bin/bash\necho $$ > "$0.pid"\nexec sleep 60\n')
    helm.timeout_s = 0
    monkeypatch.setattr(helms, "MARGIN_S", 1)
    with helm:
        helm.open("", {}, 5)
        with pytest.raises(helms.SilentError) as caught:
            helm.history()
    assert "`helm history` for cache/alluxio did not end within 1 s" in str(caught.value)
    assert "kubectl get --raw /readyz" in caught.value.fix
    assert not Path("/proc", Path(f"{helm.binary}.pid").read_text().strip()).exists()


def test_what_a_killed_run_left_is_removed(helm: helms.Helm) -> None:
    Path(helm.folder).mkdir(parents=True)
    (Path(helm.folder) / "kubeconfig").write_text("old secret")
    with helm:
        helm.open("new", {}, 5)
        assert (Path(helm.folder) / "kubeconfig").read_text() == "new"


def test_an_answer_that_is_no_answer_is_an_error(helm: helms.Helm) -> None:
    with helm:
        helm.open("", {}, 5)
        with pytest.raises(CacheError, match="cannot be rendered"):
            helm.upgrade(["/chart"], timeout_s=0, what="the release cannot be rendered")
        (Path(helm.binary).parent / "upgrade").write_text('{"manifest": "m"}')
        assert helm.upgrade(["/chart"], timeout_s=0, what="x") == {"manifest": "m"}


@pytest.mark.parametrize(
    ("version", "overrules"), [("v3.18.2", False), ("v4.3.1", True), ("v5.0.0", True)]
)
def test_a_helm_that_minds_what_others_have_set_is_told_to_take_it_back(
    helm: helms.Helm, version: str, *, overrules: bool
) -> None:
    for verb, answer in {"version": version, "upgrade": "{}", "rollback": ""}.items():
        (Path(helm.binary).parent / verb).write_text(answer)
    with helm:
        helm.open("", {}, 5)
        helm.upgrade(["/chart"], timeout_s=0, what="x")
        helm.upgrade(["/chart"], timeout_s=5, what="x")
        assert helm.roll_back(3, "--history-max=0") == (0, "")
    rendered, _, upgraded, _, rolled = [call["argv"] for call in calls(helm)]
    flags = {"--server-side=true", "--force-conflicts"}
    assert not flags & set(rendered)
    assert flags & set(upgraded) == (flags if overrules else set())
    assert flags & set(rolled) == (flags if overrules else set())
    assert rolled[:4] == ["rollback", "alluxio", "3", "--timeout=120s"]


def chart(folder: Path) -> Path:
    """A small chart."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("name: small\nversion: 1.2.3\n")
    (folder / "values.yaml").write_text("a: 1\n")
    (folder / "templates/x.yaml").write_text("kind: ConfigMap\n")
    return folder


def params(**given: Any) -> dict[str, Any]:
    return {
        "chart": "",
        "chart_archive": "",
        "chart_is_directory": True,
        "chart_version": "",
        "chart_repo_url": "",
        **given,
    }


def test_a_chart_of_the_controller_arrives_whole(helm: helms.Helm, tmp_path: Path) -> None:
    content = packed(chart(tmp_path / "small"))
    assert content == packed(tmp_path / "small"), "the same files make the same archive"
    with helm:
        helm.open("", {}, 5)
        (place,) = helm.chart(params(chart_archive=base64.b64encode(content).decode()))
        assert (Path(place) / "templates/x.yaml").read_text() == "kind: ConfigMap\n"
        assert read_chart(Path(place)).version == "1.2.3"


def test_a_chart_of_a_repository_is_named_to_helm(helm: helms.Helm) -> None:
    given = params(
        chart="alluxio", chart_version="0.6.54", chart_repo_url="https://charts.example.com"
    )
    assert helm.chart(given) == [
        *("alluxio", "--version", "0.6.54", "--repo", "https://charts.example.com")
    ]


def test_an_archive_is_read_like_a_directory(tmp_path: Path) -> None:
    archive = tmp_path / "small-1.2.3.tgz"
    archive.write_bytes(packed(chart(tmp_path / "small")))
    found = read_chart(archive)
    assert (found.name, found.version, found.values) == ("small", "1.2.3", {"a": 1})
    assert packed(archive) == archive.read_bytes()


def test_a_chart_that_is_none_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tgz"
    bad.write_text("no archive")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_chart(bad)


def test_a_kubeconfig_takes_its_certificates_along(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("CA")
    (tmp_path / "token").write_text("abc\n")
    config = {
        "clusters": [{"name": "c", "cluster": {"certificate-authority": "ca.crt", "server": "s"}}],
        "users": [{"name": "u", "user": {"tokenFile": str(tmp_path / "token")}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    found = yaml.safe_load(portable(f"/does/not/exist{os.pathsep}{tmp_path / 'config'}"))
    cluster, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
    assert base64.b64decode(cluster.pop("certificate-authority-data")) == b"CA"
    assert cluster == {"server": "s"}
    assert user == {"token": "abc"}


def test_a_missing_kubeconfig_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no kubeconfig"):
        portable(str(tmp_path / "none"))
