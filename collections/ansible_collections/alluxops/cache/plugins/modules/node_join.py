from __future__ import annotations

DOCUMENTATION = r"""
module: node_join
short_description: Join a host to the cluster by kubeadm, with a token made for this join
description:
  - Makes a bootstrap token through the Kubernetes API, hands it to kubeadm on the host in a file that only root can
    read, and deletes it when kubeadm has ended, however that ended. Where the run is killed, a process beside it
    does so.
  - The token is in no command line, in no log and in no result.
  - Needs the right to make and delete Secrets in C(kube-system), and to read C(kube-public/cluster-info).
options:
  node:
    description: The host's name in Kubernetes.
    type: str
    required: true
  step:
    description:
      - What M(alluxops.cache.bootstrap_plan) planned for the host. C(member) does nothing.
    type: str
    choices: [join, rejoin, start, member]
    required: true
  taints:
    description: Taints that the node has from its first moment on, as {key, value, effect}.
    type: list
    elements: dict
    default: []
  kubelet_args:
    description: Arguments of the kubelet, without the leading hyphens.
    type: dict
    default: {}
  ignore_preflight_errors:
    description: Names of kubeadm's checks that may fail.
    type: list
    elements: str
    default: []
  cri_socket:
    description: Socket of the container runtime.
    type: str
    default: unix:///run/containerd/containerd.sock
  token_ttl_s:
    description: How many seconds the token is good for, should the controller go down before it is deleted.
    type: int
    default: 600
  wait_timeout_s:
    description: How many seconds kubeadm may take, and how many that of an earlier run is waited for.
    type: int
    default: 300
extends_documentation_fragment:
  - alluxops.cache.api
attributes:
  action:
    description: The token is made on the controller; kubeadm runs on the host.
    support: full
  check_mode:
    description: Makes no token and runs nothing; reports that it would.
    support: full
  diff_mode:
    description: There is nothing to show but that the host joins.
    support: none
"""

EXAMPLES = r"""
- name: Join the cluster
  alluxops.cache.node_join:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    node: "{{ alluxio_node_name }}"
    step: join
  become: true
"""

RETURN = r"""
took_s: {description: How many seconds it took., type: float, returned: success}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("node_join")


if __name__ == "__main__":
    main()
