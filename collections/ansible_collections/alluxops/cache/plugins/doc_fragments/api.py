"""Options that every action of this collection that talks to the Kubernetes API shares."""

from __future__ import annotations


class ModuleDocFragment:
    """Found by ansible-doc as alluxops.cache.api."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of the kubeconfig on the controller; C(~) is expanded.
      - Empty means E(KUBECONFIG), else C(~/.kube/config).
    type: str
    default: ''
  namespace:
    description: Namespace of the release.
    type: str
    default: alluxio
  release:
    description: Name of the Helm release, which is also the prefix of its objects' names.
    type: str
    default: alluxio
requirements:
  - kubernetes (Python, on the controller)
  - openshift >= 0.13.2 (Python, on the controller)
author: alluxops
"""
