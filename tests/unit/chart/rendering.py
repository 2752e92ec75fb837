"""Render the chart with the real helm and look at what it makes."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from tools.repository import ROOT

CHART = ROOT / "charts" / "alluxio"
ZOOKEEPER = ROOT / "charts" / "zookeeper"
Values = Mapping[str, object]
Manifest = dict[str, Any]


def find_helm() -> Path:
    """The helm to render with: $HELM, else the one on PATH, else the lab's. Raises where there is none."""
    named = os.environ.get("HELM")
    if named:
        return Path(named)
    if found := shutil.which("helm"):
        return Path(found)
    from lab.artifacts import ensure  # noqa: PLC0415 - only where no helm is at hand
    from lab.progress import Reporter  # noqa: PLC0415

    return ensure(["helm4"], Reporter())["helm4"]


@dataclass(frozen=True)
class Rendered:
    """The manifests of one rendering."""

    manifests: tuple[Manifest, ...]

    def names(self, kind: str) -> list[str]:
        return [each["metadata"]["name"] for each in self.manifests if each["kind"] == kind]

    def get(self, kind: str, name: str) -> Manifest:
        for each in self.manifests:
            if (each["kind"], each["metadata"]["name"]) == (kind, name):
                return each
        raise AssertionError(f"no {kind} {name}, only {self.names(kind)}")

    def pod(self, kind: str, name: str) -> Manifest:
        """The pod template of a workload."""
        return cast("Manifest", self.get(kind, name)["spec"]["template"])

    def container(self, kind: str, name: str, container: str) -> Manifest:
        spec = self.pod(kind, name)["spec"]
        for each in spec["containers"] + spec.get("initContainers", []):
            if each["name"] == container:
                return cast("Manifest", each)
        raise AssertionError(f"no container {container} in {kind} {name}")

    def config(self) -> dict[str, str]:
        for each in self.manifests:
            if each["kind"] == "ConfigMap" and each["metadata"]["name"].endswith("-config"):
                return cast("dict[str, str]", each["data"])
        raise AssertionError("no ConfigMap *-config")

    def properties(self, role: str) -> dict[str, str]:
        """What a role's process gets, the last of equal names winning; role as in MASTER."""
        config = self.config()
        options = f"{config['ALLUXIO_JAVA_OPTS']} {config[f'ALLUXIO_{role}_JAVA_OPTS']}".split()
        pairs = (each[2:].partition("=") for each in options if each.startswith("-D"))
        return {name: value for name, _, value in pairs}

    def text(self) -> str:
        return yaml.safe_dump_all(self.manifests)


@functools.cache
def _template(
    helm: Path, chart: Path, values: str, release: str, *options: str
) -> subprocess.CompletedProcess[str]:
    """Run helm template; the same question is asked once."""
    return subprocess.run(
        [helm, "template", release, chart, "-n", "cache", "--values", "-", *options],
        input=values,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass(frozen=True)
class Chart:
    """The chart and the helm that renders it."""

    helm: Path
    path: Path = CHART

    def render(self, values: Values | None = None, release: str = "alluxio") -> Rendered:
        done = _template(self.helm, self.path, json.dumps(values or {}), release)
        assert done.returncode == 0, done.stderr
        return Rendered(tuple(each for each in yaml.safe_load_all(done.stdout) if each))

    def refused(self, values: Values, *options: str) -> str:
        """The error that these values end with; fails where they are accepted."""
        done = _template(self.helm, self.path, json.dumps(values), "alluxio", *options)
        assert done.returncode != 0, f"accepted: {values} {options}"
        return done.stderr
