"""What examples/ say of a cache is true of the one that alluxops deploys, and their pods ask for no needless right."""

from __future__ import annotations

import random
import re
import runpy
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.module_utils import datasets, profiles, values
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Source
from lab import versions
from tests.unit.cache.settings_cases import GOOD
from tests.unit.chart.example_files import FILES, FOLDER, IDS, Json, containers, documents, pods
from tests.unit.chart.rendering import CHART, Chart, Rendered
from tools.repository import ROOT, relative

TURNED_ON = {"fuse": {"enabled": True}, "proxy": {"enabled": True}}
HOST = re.compile(r"\b(alluxio-[a-z]+(?:-\d)?)\.alluxio\b(?::(\d+))?")
DECLARED = sorted(FOLDER.glob("datasets/*.yml"))
EACH = pytest.mark.parametrize("path", FILES, ids=IDS)


@pytest.fixture(scope="module")
def cache(chart: Chart) -> Rendered:
    """What `site` deploys with nothing but FUSE and the proxy turned on."""

    def read(name: str) -> Any:
        return yaml.safe_load((CHART / name).read_text(encoding="utf-8"))

    ours = values.chart_from(read("Chart.yaml"), read("values.yaml"), read("values.schema.json"))
    return chart.render(values.compose(GOOD, ours, [Source("mine", TURNED_ON)]).given)


def host_paths(path: Path) -> list[Json]:
    """Directories of the node that a file names."""
    found = [
        each["spec"]["hostPath"] for each in documents(path) if each["kind"] == "PersistentVolume"
    ]
    for spec in pods(path):
        found += [each["hostPath"] for each in spec.get("volumes", []) if "hostPath" in each]
    return found


def fuse_point(cache: Rendered) -> str:
    return cache.properties("FUSE")["alluxio.fuse.mount.point"]


def sockets(cache: Rendered) -> str:
    """The node's directory of the workers' domain sockets."""
    volumes = cache.pod("DaemonSet", "alluxio-worker")["spec"]["volumes"]
    [found] = [each["hostPath"]["path"] for each in volumes if each["name"] == "domain"]
    return str(found)


def test_every_way_in_has_a_pod_and_a_training_job() -> None:
    kinds = {path.parent.name: {each["kind"] for each in documents(path)} for path in FILES}
    ways = {"fuse", "short-circuit", "s3", "rest"}
    assert ways <= set(kinds)
    for way in ways:
        assert [d["kind"] for d in documents(FOLDER / way / "pod.yaml")] == ["Pod"]
        assert [d["kind"] for d in documents(FOLDER / way / "training-job.yaml")] == ["Job"]


@EACH
def test_names_and_ports_are_those_of_services(cache: Rendered, path: Path) -> None:
    for name, port in HOST.findall(path.read_text(encoding="utf-8")):
        if name == "alluxio-master-1":  # in a comment on several masters
            continue
        ports = [each["port"] for each in cache.get("Service", name)["spec"]["ports"]]
        assert not port or int(port) in ports


@EACH
def test_directories_of_the_node_are_those_that_the_cache_has(cache: Rendered, path: Path) -> None:
    for found in host_paths(path):
        below_mount = found["path"].startswith(f"{fuse_point(cache)}/")
        assert below_mount or found["path"] == sockets(cache), found
        # Waited for: made by the kubelet it would be an empty directory in place of the data.
        assert found["type"] == "Directory"


@EACH
def test_pods_that_need_the_node_go_where_the_cache_is(cache: Rendered, path: Path) -> None:
    selector = cache.pod("DaemonSet", "alluxio-fuse")["spec"]["nodeSelector"]
    for spec in pods(path):
        needs = any("hostPath" in each for each in spec.get("volumes", []))
        assert spec.get("nodeSelector", {}) == (selector if needs else {})
    for each in documents(path):
        if each["kind"] == "PersistentVolume":
            [term] = each["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
            [[key, value]] = selector.items()
            assert term["matchExpressions"] == [{"key": key, "operator": "In", "values": [value]}]


@EACH
def test_pods_have_no_right_that_they_do_not_need(path: Path) -> None:
    for spec in pods(path):
        assert spec["automountServiceAccountToken"] is False
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] == 1000
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        for each in containers(spec):
            own = each["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert set(each["resources"]["requests"]) == {"cpu", "memory"}
            assert set(each["resources"]["limits"]) == {"cpu", "memory"}


@EACH
def test_what_is_of_the_node_is_mounted_read_only(cache: Rendered, path: Path) -> None:
    for spec in pods(path):
        of_node = (
            {each["name"]: each["hostPath"] for each in spec["volumes"] if "hostPath" in each}
            if "volumes" in spec
            else {}
        )
        for each in containers(spec):
            for mount in each.get("volumeMounts", []):
                where = of_node.get(mount["name"])
                if where is None:
                    continue
                assert mount["readOnly"] is True
                if where["path"].startswith(fuse_point(cache)):
                    assert mount["mountPropagation"] == "HostToContainer"


def test_clients_of_the_socket_are_told_what_our_own_are_told(cache: Rendered) -> None:
    ours = cache.properties("FUSE")
    for name in ("pod.yaml", "training-job.yaml"):
        [spec] = pods(FOLDER / "short-circuit" / name)
        having = [
            each
            for each in containers(spec)
            if any(mount["name"] == "domain" for mount in each["volumeMounts"])
        ]
        assert len(having) == 1  # where the whole cache is open, nothing else runs
        [options] = [e["value"] for e in having[0]["env"] if e["name"] == "ALLUXIO_JAVA_OPTS"]
        told = dict(word[2:].split("=") for word in options.split())
        prefix = "alluxio.worker.data.server.domain.socket."
        assert {k: v for k, v in told.items() if k.startswith(prefix)} == {
            k: v for k, v in ours.items() if k.startswith(prefix)
        }
        assert (
            f"{told['alluxio.master.hostname']}." == f"{ours['alluxio.master.hostname']}.alluxio."
        )
        [mount] = [m for m in having[0]["volumeMounts"] if m["name"] == "domain"]
        assert mount["mountPath"] == told[f"{prefix}address"]


@EACH
def test_images_are_of_the_versions_that_we_deploy(path: Path) -> None:
    known = versions.load()
    allowed = {f"alluxio/alluxio:{known.alluxio}", f"alluxops/trainer:{known.trainer}"}
    assert {each["image"] for spec in pods(path) for each in containers(spec)} <= allowed


@EACH
def test_the_scripts_options_exist(path: Path) -> None:
    script = (FOLDER / "training/train.py").read_text(encoding="utf-8")
    for spec in pods(path):
        for each in containers(spec):
            if each["command"][-1].endswith("train.py"):
                options = [word for word in each["args"] if word.startswith("--")]
                assert [word for word in options if f'"{word}"' not in script] == []
            elif each["command"][0] == "python3":
                compile(each["args"][0], str(path), "exec")


def test_the_policy_lets_the_caches_own_pods_and_marked_namespaces_in() -> None:
    [policy] = documents(FOLDER / "network-policy.yaml")
    own, clients, nodes = policy["spec"]["ingress"]
    assert own == {"from": [{"podSelector": {}}]}
    [marked] = clients["from"]
    assert marked["namespaceSelector"]["matchLabels"] == {"alluxops.io/cache-client": "true"}
    assert "ipBlock" in nodes["from"][0]


@pytest.mark.parametrize("path", DECLARED, ids=relative)
def test_a_declared_data_set_can_be_read_and_is_named(path: Path) -> None:
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    found, faults = datasets.read(settings["alluxio_datasets"])
    assert faults == []
    assert [(one.pin, bool(one.load), one.shared) for one in found] == [(True, True, True)]
    assert settings["alluxio_profile"] == path.stem
    assert path.stem in profiles.PROFILES
    for page in (FOLDER / "README.md", ROOT / "docs/runbooks/datasets.md"):
        assert f"datasets/{path.name}" in page.read_text(encoding="utf-8"), page


@EACH
def test_the_readme_and_the_runbook_name_every_file(path: Path) -> None:
    name = path.relative_to(FOLDER).as_posix()
    for page in (FOLDER / "README.md", ROOT / "docs/runbooks/access.md"):
        assert name in page.read_text(encoding="utf-8"), page


def test_the_same_seed_makes_the_same_data_set_in_files_and_in_shards(tmp_path: Path) -> None:
    maker = runpy.run_path(str(FOLDER / "training/make_dataset.py"))
    made = list(maker["images"](7, 3, 4, 5))
    assert made == list(maker["images"](7, 3, 4, 5))
    assert made != list(maker["images"](7, 3, 4, 6))
    assert {len(content) for _, content in made} == {len(b"P6 4 4 255\n") + 3 * 4 * 4}
    maker["write_images"](tmp_path / "files", made)
    found = {
        p.relative_to(tmp_path / "files").as_posix(): p.read_bytes()
        for p in (tmp_path / "files").rglob("*.ppm")
    }
    assert found == dict(made)
    maker["write_shards"](tmp_path / "shards", made, 2)
    packed = {}
    for shard in sorted((tmp_path / "shards").iterdir()):
        with tarfile.open(shard) as file:
            for member in file:
                content = file.extractfile(member)
                assert content is not None
                packed[member.name] = content.read()
    assert packed == dict(made)
    assert random.Random(5).randbytes(4 * 4 * 3) == made[0][1][-48:]
