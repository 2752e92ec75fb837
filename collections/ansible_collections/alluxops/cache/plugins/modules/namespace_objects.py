from __future__ import annotations

DOCUMENTATION = r"""
module: namespace_objects
short_description: Make the release's namespace and the Secrets with the under store's credentials
description:
  - Makes the namespace when it does not exist, open to hostPath volumes (Pod Security level C(privileged)).
    One that exists keeps its labels.
  - With O(secret_name) and O(credentials), makes that Secret with the keys C(accessKeyId) and C(secretKey).
  - With O(secret_name), derives the Secret C(RELEASE-ufs-credentials) from it, whose key C(credentials) is a shared
    credentials file as the AWS SDK reads it. Pods mount it, so no credential stands in a ConfigMap or a command line.
options:
  state:
    description: C(absent) removes the Secrets that this action made; the namespace stays.
    type: str
    choices: [present, absent]
    default: present
  secret_name:
    description: Name of the Secret with the keys C(accessKeyId) and C(secretKey); empty makes the namespace only.
    type: str
    default: ''
  credentials:
    description: Dictionary with C(accessKeyId) and C(secretKey); empty leaves the Secret to the user.
    type: dict
    default: {}
  wait_timeout_s:
    description: How long to wait for a namespace of that name to finish being deleted, in seconds.
    type: int
    default: 120
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Reports what would change.
    support: full
  diff_mode:
    description: Shows before and after; credentials are replaced by a mark that differs when they do.
    support: full
"""

EXAMPLES = r"""
- name: Make the namespace and the credentials
  alluxops.cache.namespace_objects:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    secret_name: "{{ alluxio_root_ufs_secret }}"
    credentials: "{{ alluxio_root_ufs_credentials }}"
  register: __alluxio_namespace_objects
"""

RETURN = r"""
secret_version:
  description: Changes whenever the credentials do; a pod annotation made of it restarts what reads them.
    Empty without Secret.
  returned: success
  type: str
cluster:
  description: What tells the cluster from others, the uid of its namespace C(kube-system).
  returned: O(state=present)
  type: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("namespace_objects")


if __name__ == "__main__":
    main()
