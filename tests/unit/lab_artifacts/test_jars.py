"""The jars of an image: one list of artifacts, one of exclusions, nothing for other platforms."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

from lab.artifacts.jars import OTHER_PLATFORM, prune
from lab.image.pom import ARTIFACTS, EXCLUSIONS, NETTY_BOM, artifacts, pom

NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}


def test_every_artifact_has_the_version_and_every_exclusion() -> None:
    project = ET.fromstring(pom("2.9.6"))
    found = project.findall("m:dependencies/m:dependency", NAMESPACE)
    assert [item.findtext("m:artifactId", "", NAMESPACE) for item in found] == list(ARTIFACTS)
    for item in found:
        assert item.findtext("m:version", "", NAMESPACE) == "2.9.6"
        excluded = [
            f"{one.findtext('m:groupId', '', NAMESPACE)}:{one.findtext('m:artifactId', '', NAMESPACE)}"
            for one in item.findall("m:exclusions/m:exclusion", NAMESPACE)
        ]
        assert excluded == list(EXCLUSIONS)


def test_what_central_lacks_of_a_version_is_left_out_and_nothing_else() -> None:
    assert set(ARTIFACTS) - set(artifacts("2.9.4")) == {"alluxio-logserver", "alluxio-underfs-web"}
    assert artifacts("2.9.6") == list(ARTIFACTS)


def test_nettys_bom_stands_before_alluxios_or_netty_is_mixed() -> None:
    project = ET.fromstring(pom("2.9.6"))
    managed = project.findall("m:dependencyManagement/m:dependencies/m:dependency", NAMESPACE)
    names = [item.findtext("m:artifactId", "", NAMESPACE) for item in managed]
    assert names == ["netty-bom", "alluxio-parent"]
    assert managed[0].findtext("m:version", "", NAMESPACE) == NETTY_BOM
    assert {item.findtext("m:scope", "", NAMESPACE) for item in managed} == {"import"}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("netty-transport-native-epoll-4.1.87.Final-linux-x86_64.jar", False),
        ("netty-transport-native-epoll-4.1.87.Final-linux-aarch_64.jar", True),
        ("netty-tcnative-boringssl-static-2.0.56.Final-windows-x86_64.jar", True),
        ("netty-resolver-dns-native-macos-4.1.87.Final-osx-aarch_64.jar", True),
        ("netty-transport-native-kqueue-4.1.87.Final-osx-x86_64.jar", True),
        ("netty-tcnative-boringssl-static-2.0.56.Final.jar", False),
        ("alluxio-shell-2.9.6.jar", False),
    ],
)
def test_jars_for_other_platforms_are_known_by_name(name: str, other: bool) -> None:
    assert bool(OTHER_PLATFORM.search(name)) is other


def test_pruning_keeps_classes_and_the_one_library(tmp_path: Path) -> None:
    jar = tmp_path / "rocksdbjni-7.0.3.jar"
    kept = [
        "org/rocksdb/RocksDB.class",
        "librocksdbjni-linux64.so",
        "META-INF/native/liba_x86_64.so",
    ]
    dropped = [
        "librocksdbjni-linux64-musl.so",
        "librocksdbjni-linux-aarch64.so",
        "librocksdbjni-win64.dll",
        "librocksdbjni-osx-arm64.jnilib",
        "META-INF/native/liba_aarch_64.so",
    ]
    with zipfile.ZipFile(jar, "w") as archive:
        for name in kept + dropped:
            archive.writestr(name, name)
    prune(jar)
    with zipfile.ZipFile(jar) as archive:
        assert archive.namelist() == kept
        assert archive.read(kept[0]) == kept[0].encode()
    assert [path.name for path in tmp_path.iterdir()] == [jar.name]
