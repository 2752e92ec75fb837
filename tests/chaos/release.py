"""The release that a chaos run breaks: its settings, its pods, scripts run in it, and taking it away."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lab.state import Node
from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.lab_under_test import RunningLab

MASTER, WORKER = "alluxio-master", "alluxio-worker"
"""Roles, and the containers that have Alluxio's commands."""


@dataclass
class Release:
    """One release in a namespace of the same name, with a storage root and a directory of the bucket of its own.

    Attributes:
        masters, ha: how many it is to have now, and how they agree; verbs change it.
        properties: settings of Alluxio's that verbs have changed.
    """

    cache: Cache
    masters: int = 3
    ha: str = "embedded"
    properties: tuple[tuple[str, str], ...] = ()

    @property
    def lab(self) -> RunningLab:
        """The lab that it runs on."""
        return self.cache.lab

    @property
    def name(self) -> str:
        """Of the release and of its namespace."""
        return self.cache.name

    @property
    def storage(self) -> str:
        """node_storage_root: the journals lie below it."""
        return self.cache.storage

    @property
    def settings(self) -> dict[str, Any]:
        """The variables of every verb, beside those of its place: the inventory as it stands now."""
        values = self._inventory_values
        return {
            "alluxio_root_ufs": f"s3://datasets/{self.name}/",
            "alluxio_masters": self.masters,
            "alluxio_ha": self.ha,
            "alluxio_values": {
                **values,
                "properties": {**values.get("properties", {}), **dict(self.properties)},
            },
            "verify_tests": False,  # health is what is asked for here, many times over
        }

    @cached_property
    def _inventory_values(self) -> dict[str, Any]:
        shown = json.loads(self.lab.run("ansible-inventory", "--host", "n1"))
        values: dict[str, Any] = shown.get("alluxio_values", {})
        return values

    def command(self, verb: str, **more: Any) -> list[str]:
        """The wrapper's command line of a verb."""
        argv = ("alluxops", verb, "-i", str(self.lab.inventory))
        return self.cache.command(argv[0], *argv[1:], settings={**self.settings, **more})

    def verb(self, verb: str, **more: Any) -> Outcome:
        """Run a verb to its end."""
        return self.cache.run(*self.command(verb, **more))

    def unchanged(self) -> Outcome:
        """A run of site.yml, whose recap says what it still found to change."""
        return self.cache.run(
            *self.cache.command("ansible-playbook", "site.yml", settings=self.settings)
        )

    def pods(self, role: str) -> list[dict[str, Any]]:
        """Its pods of a role, by name."""
        where = ("-n", self.name, "-l", f"app=alluxio,release={self.name},role={role}")
        return sorted(
            self.lab.objects("pods", *where), key=lambda pod: str(pod["metadata"]["name"])
        )

    def run(self, script: str, *, tries: int = 3) -> str:
        """Run a bash script in a master that serves. A script that fails is tried again: leaders move."""
        error = AssertionError("no master is ready")
        for _ in range(tries):
            ready = [pod for pod in self.pods(MASTER) if is_ready(pod)]
            if ready:
                where = ("-n", self.name, str(ready[0]["metadata"]["name"]), "-c", MASTER)
                try:
                    return self.lab.kubectl(
                        "exec", *where, "--", "bash", "-c", script, timeout_s=240
                    )
                except AssertionError as failed:
                    error = failed
            time.sleep(5)
        raise error

    def node(self, name: str) -> Node:
        """A node of the lab."""
        return next(node for node in self.lab.state.nodes if node.name == name)

    def make_root(self) -> None:
        """Make its directory of the bucket: in an object store Alluxio makes none whose parent is not there."""
        self.lab.s3().put_object(Bucket="datasets", Key=f"{self.name}/")

    def remove(self) -> None:
        """Take it away with all its data."""
        # Its file system may be mounted there; what lies in it goes all the same.
        directories = [f"{self.storage}/*", f"{self.storage}-writer"]
        self.cache.remove(directories=directories, check=False)
        bucket = self.lab.s3()
        for page in bucket.get_paginator("list_objects_v2").paginate(
            Bucket="datasets", Prefix=f"{self.name}/"
        ):
            for found in page.get("Contents", []):
                bucket.delete_object(Bucket="datasets", Key=found["Key"])


def is_ready(pod: dict[str, Any]) -> bool:
    """Every container serves, and the pod is not going."""
    containers = pod["status"].get("containerStatuses", [])
    going = "deletionTimestamp" in pod["metadata"]
    return bool(containers) and all(item["ready"] for item in containers) and not going
