"""How kubelets of the cluster are configured, as kubeadm publishes it for nodes that join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import yaml

from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Kube

PUBLISHED: Final = "/api/v1/namespaces/kube-system/configmaps/kubelet-config"


@dataclass(frozen=True)
class KubeletSettings:
    """What of it concerns a host that is to join; the defaults are kubeadm's."""

    cgroup_driver: str = "systemd"
    fail_swap_on: bool = True


def read(kube: Kube) -> KubeletSettings:
    """What is published; kubeadm's defaults where nothing is, or where it is not for this user."""
    try:
        published = kube.get(PUBLISHED)
    except ApiError:
        published = None
    text = ((published or {}).get("data") or {}).get("kubelet") or ""
    found = yaml.safe_load(text) or {}
    return KubeletSettings(
        str(found.get("cgroupDriver") or KubeletSettings.cgroup_driver),
        found.get("failSwapOn") is not False,
    )
