"""The Maven project that names the jars of an Alluxio image."""

from __future__ import annotations

ARTIFACTS = (
    "alluxio-core-server-master",
    "alluxio-core-server-worker",
    "alluxio-core-server-proxy",
    "alluxio-job-server",
    "alluxio-logserver",
    "alluxio-shell",
    "alluxio-underfs-local",
    "alluxio-underfs-s3a",
    "alluxio-underfs-web",
    "alluxio-integration-fuse",
)

UNPUBLISHED = {
    "2.9.4": ("alluxio-logserver", "alluxio-underfs-web"),
}
"""Of ARTIFACTS, what Maven Central lacks of a version; its images then have no log server and no http:// mounts."""

EXCLUSIONS = (
    # Only for clients that embed Alluxio, 87 MB.
    "org.alluxio:alluxio-shaded-client",
    # A second log4j and its bindings; of its interface the masters' Prometheus page needs a class.
    "org.apache.logging.log4j:log4j-core",
    "org.apache.logging.log4j:log4j-slf4j-impl",
    "org.apache.logging.log4j:log4j-1.2-api",
    "org.apache.logging.log4j:log4j-web",
    # A Jersey and a Netty that shadow the newer ones.
    "com.sun.jersey:*",
    "com.github.pjfanning:*",
    "io.netty:netty",
    # Formats and file systems that this image does not offer.
    "org.apache.hadoop:*",
    "org.apache.parquet:*",
    "org.apache.orc:*",
    "org.apache.avro:*",
)

NETTY_BOM = "4.1.87.Final"
"""One version for all Netty modules: with a mixture there is no epoll, and no domain sockets."""

COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


def artifacts(version: str) -> list[str]:
    """The artifacts of an image with this version of Alluxio."""
    return [name for name in ARTIFACTS if name not in UNPUBLISHED.get(version, ())]


def pom(version: str) -> str:
    """The project for one Alluxio version, as XML text."""
    managed = [
        _dependency("io.netty", "netty-bom", NETTY_BOM, _element("type", "pom") + _element("scope", "import")),
        _dependency(
            "org.alluxio", "alluxio-parent", version, _element("type", "pom") + _element("scope", "import")
        ),
    ]  # fmt: skip
    excluded = _element("exclusions", "".join(_exclusion(name) for name in EXCLUSIONS))
    wanted = [_dependency("org.alluxio", name, version, excluded) for name in artifacts(version)]
    body = [
        _element("modelVersion", "4.0.0"),
        _element("groupId", "alluxops.lab"),
        _element("artifactId", "alluxio-image"),
        _element("version", "1"),
        _element("packaging", "pom"),
        _element("dependencyManagement", _element("dependencies", "".join(managed))),
        _element("dependencies", "".join(wanted)),
    ]
    text = "\n".join(body)
    return f'<project xmlns="http://maven.apache.org/POM/4.0.0">\n{text}\n</project>\n'


def _dependency(group: str, name: str, version: str, more: str) -> str:
    parts = [
        _element("groupId", group),
        _element("artifactId", name),
        _element("version", version),
        more,
    ]
    return "\n" + _element("dependency", "".join(parts))


def _exclusion(name: str) -> str:
    group, _, artifact = name.partition(":")
    return _element("exclusion", _element("groupId", group) + _element("artifactId", artifact))


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"
