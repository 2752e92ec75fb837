"""Where nodes reach the API server and what they are to trust, as kubeadm publishes it for joining nodes."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ansible_collections.alluxops.cache.plugins.module_utils.node_membership import fingerprints
from ansible_collections.alluxops.cache.plugins.plugin_utils.connection import (
    kubeconfig_path,
    read_configuration,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Kube

CLUSTER_INFO: Final = "/api/v1/namespaces/kube-public/configmaps/cluster-info"


@dataclass(frozen=True)
class Trust:
    """endpoint: host:port; empty where kubeadm has published nothing. pem: the CA certificates."""

    endpoint: str
    pem: str

    @property
    def authorities(self) -> frozenset[str]:
        """SHA-256 of each certificate."""
        return frozenset(fingerprints(self.pem))

    @property
    def pins(self) -> list[str]:
        """sha256:HEX of each certificate's public key, as kubeadm takes it."""
        found = []
        for certificate in x509.load_pem_x509_certificates(self.pem.encode()):
            key = certificate.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
            found.append(f"sha256:{hashlib.sha256(key).hexdigest()}")
        return found


def read(kube: Kube, kubeconfig: str) -> Trust:
    """What kube-public/cluster-info says; without it, the kubeconfig's CA alone."""
    try:
        published = kube.get(CLUSTER_INFO)
    except ApiError:  # not for this user: the join's own check tells
        published = None
    text = ((published or {}).get("data") or {}).get("kubeconfig") or ""
    clusters = (yaml.safe_load(text) or {}).get("clusters") or []
    if clusters:
        found = clusters[0]["cluster"]
        pem = base64.b64decode(found.get("certificate-authority-data") or "").decode()
        return Trust(str(found["server"]).removeprefix("https://").rstrip("/"), pem)
    path = read_configuration(kubeconfig_path(kubeconfig)).ssl_ca_cert
    return Trust("", Path(path).read_text(encoding="utf-8") if path else "")
