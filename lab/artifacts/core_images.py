"""The seven images that kubeadm asks for, made from the programs that the lab built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.artifacts import debian
from lab.artifacts.archive import Entry, Image, tree, write_image
from lab.artifacts.recipe import Build, Recipe
from lab.errors import LabError
from lab.versions import VERSIONS_FILE

HERE = Path(__file__).resolve().parent
PAUSE_SOURCE = HERE / "pause.c"
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
NETWORK_TOOLS = ("iptables", "conntrack", "kmod", "ipset", "nftables")
"""What kube-proxy runs."""


def core_images(build: Build) -> None:
    """Write one archive per image, NAME.tar, and `names`: the references, as kubeadm prints them."""
    kubernetes = build.needs["kubernetes"]
    names = image_names(build, kubernetes / "kubeadm")
    for program in CONTROL_PLANE:
        source = kubernetes / program
        _write(build, names[program], f"usr/local/bin/{program}", [source], entrypoint=[program])
    etcd = build.needs["etcd"]
    _write(
        build,
        names["etcd"],
        "usr/local/bin/",
        [etcd / "etcd", etcd / "etcdctl"],
        entrypoint=["etcd"],
    )
    _write(build, names["coredns"], "coredns", [build.needs["coredns"]], entrypoint=["/coredns"])
    pause = build.scratch / "pause"
    build.run(["musl-gcc", "-static", "-Os", "-s", "-Wall", "-Werror", "-o", pause, PAUSE_SOURCE])
    _write(build, names["pause"], "pause", [pause], entrypoint=["/pause"])
    _kube_proxy(build, names["kube-proxy"], kubernetes / "kube-proxy")
    listing = "".join(f"{name}\n" for name in names.values())
    (build.out / "names").write_text(listing, encoding="utf-8")


def image_names(build: Build, kubeadm: Path) -> dict[str, str]:
    """Reference by component, as this kubeadm asks for them.

    Raises LabError when the versions file has other tags: then its entries must follow kubeadm.
    """
    version = f"v{build.versions.kubernetes}"
    said = build.run([kubeadm, "config", "images", "list", "--kubernetes-version", version])
    names = {name.rpartition("/")[2].partition(":")[0]: name for name in said.split()}
    for component, tag in (
        ("etcd", build.versions.etcd_image),
        ("coredns", build.versions.coredns_image),
        ("pause", build.versions.pause_image),
    ):
        asked = names.get(component, "").rpartition(":")[2]
        if asked != tag:
            raise LabError(
                f"{component}_image is {tag}, but kubeadm {version} asks for {asked}",
                fix=f"set {component}_image to {asked} in {VERSIONS_FILE}",
            )
    return names


def _write(
    build: Build, name: str, place: str, programs: Sequence[Path], *, entrypoint: Sequence[str]
) -> None:
    component = name.rpartition("/")[2].partition(":")[0]
    build.step.update(f"writing {name}")
    write_image(
        build.out / f"{component}.tar",
        Image(name, entrypoint),
        [_files(build.scratch, place, programs)],
    )


def _files(scratch: Path, place: str, programs: Sequence[Path]) -> Iterator[Entry]:
    """The programs at `place` (a directory when it ends with a slash), and the directories around."""
    empty = scratch / "directory"
    empty.mkdir(exist_ok=True)
    for name in ("tmp", "etc", *_parents(place)):
        yield Entry(name, empty, mode=0o1777 if name == "tmp" else 0o755)
    for program in programs:
        target = f"{place}{program.name}" if place.endswith("/") else place
        yield Entry(target, program, mode=0o755, owner=(0, 0))


def _parents(place: str) -> list[str]:
    parts = place.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _kube_proxy(build: Build, name: str, program: Path) -> None:
    root = build.scratch / "kube-proxy-root"
    debian.make_tree(
        build, root, "bookworm", NETWORK_TOOLS, variant="essential", hooks=[debian.SHRINK]
    )
    build.step.update(f"writing {name}")
    entries = [*tree(root), Entry("usr/local/bin/kube-proxy", program, mode=0o755, owner=(0, 0))]
    write_image(build.out / "kube-proxy.tar", Image(name, ["kube-proxy"]), [entries])


RECIPES = (
    Recipe(
        name="images-core", build=core_images, lane="fetch", seconds=50,
        components=("kubernetes", "etcd_image", "coredns_image", "pause_image"),
        inputs=(PAUSE_SOURCE,), needs=("kubernetes", "etcd", "coredns"),
        packages=(*debian.PACKAGES, "musl-tools"),
    ),
)  # fmt: skip
