"""The programs that are built from one Go module each."""

from __future__ import annotations

from functools import partial

from lab.artifacts.golang import Program, build_pinned, build_program
from lab.artifacts.recipe import Build, Recipe
from lab.versions import Versions

KUBERNETES_COMMANDS = (
    "kubelet", "kubeadm", "kubectl",
    "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy",
)  # fmt: skip

STAGING = (
    "api", "apiextensions-apiserver", "apimachinery", "apiserver", "cli-runtime", "client-go",
    "cloud-provider", "cluster-bootstrap", "code-generator", "component-base", "component-helpers",
    "controller-manager", "cri-api", "cri-client", "csi-translation-lib",
    "dynamic-resource-allocation", "endpointslice", "externaljwt", "kms", "kube-aggregator",
    "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet", "metrics",
    "mount-utils", "pod-security-admission", "sample-apiserver", "sample-cli-plugin",
    "sample-controller",
)  # fmt: skip
"""Modules that live in the Kubernetes repository and are published as v0.MINOR.PATCH."""


def kubernetes(build: Build) -> None:
    """All seven Kubernetes programs in one go build, so that links overlap with compiling."""
    version = build.versions.kubernetes
    major, minor, _ = version.split(".")
    stamps = {}
    for package in ("k8s.io/client-go/pkg/version", "k8s.io/component-base/version"):
        stamps[f"{package}.gitVersion"] = f"v{version}"
        stamps[f"{package}.gitMajor"] = major
        stamps[f"{package}.gitMinor"] = minor
        stamps[f"{package}.gitTreeState"] = "clean"
        stamps[f"{package}.buildDate"] = "2026-01-01T00:00:00Z"
    staging = f"v0.{version.partition('.')[2]}"
    build_pinned(
        build,
        f"k8s.io/kubernetes v{version}",
        [f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_COMMANDS],
        {f"k8s.io/{name}": staging for name in STAGING},
        stamps,
    )


def programs(versions: Versions) -> dict[str, list[Program]]:
    """The programs of each artifact, by artifact name."""
    v = versions
    etcd = "go.etcd.io/etcd"
    toxiproxy = "github.com/Shopify/toxiproxy/v2"
    versitygw = "github.com/versity/versitygw"
    return {
        "etcd": [
            _program(f"{etcd}/server/v3", v.etcd, "etcd"),
            _program(f"{etcd}/etcdctl/v3", v.etcd, "etcdctl"),
        ],
        "coredns": [_program("github.com/coredns/coredns", v.coredns, "coredns")],
        "helm4": [_helm("helm.sh/helm/v4", v.helm)],
        "helm3": [_helm("helm.sh/helm/v3", v.helm3)],
        "s3": [
            _program(versitygw, v.versitygw, "versitygw", "cmd/versitygw", {"main.Version": v.versitygw})
        ],
        "toxiproxy": [
            _program(toxiproxy, v.toxiproxy, "toxiproxy-server", "cmd/server", _toxiproxy(v)),
            _program(toxiproxy, v.toxiproxy, "toxiproxy-cli", "cmd/cli", _toxiproxy(v)),
        ],
        "kwok": [
            _program(
                "sigs.k8s.io/kwok", v.kwok, "kwok", "cmd/kwok",
                {"sigs.k8s.io/kwok/pkg/consts.Version": f"v{v.kwok}"},
            )
        ],
    }  # fmt: skip


def _program(
    module: str, version: str, name: str, inside: str = "", stamps: dict[str, str] | None = None
) -> Program:
    package = f"{module}/{inside}" if inside else module
    return Program(name, module, f"v{version}", package, stamps or {})


def _helm(module: str, version: str) -> Program:
    stamps = {f"{module}/internal/version.version": f"v{version}"}
    return _program(module, version, "helm", "cmd/helm", stamps)


def _toxiproxy(versions: Versions) -> dict[str, str]:
    return {"github.com/Shopify/toxiproxy/v2.Version": versions.toxiproxy}


def one_module(artifact: str, build: Build) -> None:
    """Build the programs of one artifact."""
    for program in programs(build.versions)[artifact]:
        build_program(build, program)


def recipe(name: str, component: str, seconds: int, *, result: str = "") -> Recipe:
    """The recipe of an artifact that `programs` lists."""
    return Recipe(
        name=name, build=partial(one_module, name), lane="compile", seconds=seconds, result=result,
        components=(component,), needs_go=True,
    )  # fmt: skip


RECIPES = (
    Recipe(
        name="kubernetes", build=kubernetes, lane="compile", seconds=270,
        components=("kubernetes",), needs_go=True,
    ),
    recipe("etcd", "etcd", 30),
    recipe("coredns", "coredns", 90, result="coredns"),
    recipe("helm4", "helm", 120, result="helm"),
    recipe("helm3", "helm3", 60, result="helm"),
    recipe("s3", "versitygw", 100, result="versitygw"),
    recipe("toxiproxy", "toxiproxy", 20),
    recipe("kwok", "kwok", 75, result="kwok"),
)  # fmt: skip
