from __future__ import annotations

DOCUMENTATION = r"""
module: settings
short_description: Check every variable before anything runs
description:
  - Reads the argument specs of all roles beside the one that runs this, and checks against them the variables of the
    host it runs on. Variables with one of the roles' prefixes that no role knows are refused, with what was meant.
  - Then checks what cannot work together, and the user's values files against the chart.
  - All faults are reported at once, each with its value, its file and line, and the fix. Nothing is changed.
options:
  roles_path:
    description: Directory of the roles. Empty means that of the role which runs this.
    type: str
    default: ''
  needs_control:
    description: Refuse a C(--limit) that leaves out every host of C(kube_control), which does the work on the cluster.
    type: bool
    default: false
author: alluxops
extends_documentation_fragment:
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.only_reads
"""

EXAMPLES = r"""
- name: Check the settings
  alluxops.cache.settings:
  register: __preflight_settings
"""

RETURN = r"""
settings:
  description:
    - The checked settings, without credentials. Names are those of the variables without their prefix (C(namespace),
      C(release), C(masters), ...), with C(cache_masters) and C(cache_workers) as lists of {host, name}, where name is
      the Kubernetes node's, C(storage_path), C(secret_name) and C(uses_credentials).
  returned: success
  type: dict
places:
  description: Where each variable that is not at its default was set, by its name, as C(file:line).
  returned: success
  type: dict
refused:
  description: Settings are wrong, and nothing was changed.
  returned: failure
  type: bool
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("settings")


if __name__ == "__main__":
    main()
