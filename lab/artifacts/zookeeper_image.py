"""A ZooKeeper image from Debian's packages."""

from __future__ import annotations

from lab.artifacts import debian
from lab.artifacts.archive import DEFAULT_PATH, Image, tree, write_image
from lab.artifacts.recipe import Build, Recipe
from lab.errors import LabError

INCLUDE = ("zookeeper", "openjdk-17-jre-headless", "tini")
UID = 1000
DATA = "/data"
BIN = "/usr/share/zookeeper/bin"

# Debian's zkEnv.sh sets every place, whatever the environment says; upstream's asks the environment.
ENVIRONMENT = """\
ZOOCFGDIR="${ZOOCFGDIR:-/conf}"
ZOOCFG="$ZOOCFGDIR/zoo.cfg"
ZOO_LOG_DIR="${ZOO_LOG_DIR:-/logs}"
JAVA="${JAVA:-/usr/bin/java}"
CLASSPATH="$ZOOCFGDIR$(printf :/usr/share/java/%s.jar zookeeper slf4j-log4j12 log4j-1.2)"
"""


def zookeeper_image(build: Build) -> None:
    """Write image.tar, `zookeeper:VERSION` with Debian's version, laid out as the image that most people use is.

    zkServer.sh on the PATH, /conf/zoo.cfg, /data and /logs of user 1000, the place of the configuration in ZOOCFGDIR.
    """
    root = build.scratch / "root"
    environment = build.scratch / "zkEnv.sh"
    environment.write_text(ENVIRONMENT, encoding="utf-8")
    hooks = [
        f'mkdir "$1{DATA}" "$1/logs" "$1/conf" && chown {UID}:{UID} "$1{DATA}" "$1/logs"',
        f'rm "$1{BIN}/zkEnv.sh" && cp {environment} "$1{BIN}/zkEnv.sh" && chmod 0644 "$1{BIN}/zkEnv.sh"',
        'cp "$1"/etc/zookeeper/conf_example/log4j.properties "$1"/conf/',
        'chroot "$1" dpkg-query --show --showformat="\\${Version}" zookeeper > "$1/zookeeper-version"',
        debian.SHRINK,
    ]
    debian.make_tree(build, root, "bookworm", INCLUDE, variant="essential", hooks=hooks)
    version = (root / "zookeeper-version").read_text(encoding="utf-8").partition("-")[0]
    if version != build.versions.zookeeper_debian:
        raise LabError(
            f"Debian has ZooKeeper {version}, and settings_versions.zookeeper_debian is"
            f" {build.versions.zookeeper_debian}",
            fix=f"set zookeeper_debian: {version} in roles/settings/vars/main.yml",
        )
    image = Image(
        name=f"zookeeper:{version}",
        entrypoint=["tini", "--"],
        command=["zkServer.sh", "start-foreground"],
        env={"PATH": f"{DEFAULT_PATH}:{BIN}", "ZOOCFGDIR": "/conf", "ZOO_LOG_DIR": "/logs"},
        user=str(UID),
        workdir=DATA,
    )
    write_image(build.out / "image.tar", image, [tree(root)])


RECIPES = (
    Recipe(
        name="images-zookeeper", build=zookeeper_image, lane="fetch", seconds=60,
        result="image.tar", packages=debian.PACKAGES, components=("zookeeper_debian",),
    ),
)  # fmt: skip
