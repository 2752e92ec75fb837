from __future__ import annotations

DOCUMENTATION = r"""
module: benchmark
short_description: Measure how fast files are read past a cache and through it, by which path
description:
  - Makes files of its own in the root under store, once, and reads them by several arms, from a pod beside each
    worker, all at one moment. The workers' counters before and after prove which path an arm took.
  - Frees what it had cached, and always removes its Jobs, those of a run that died too. Writes a report for programs
    (JSON) and one for people (HTML) on the controller.
  - Where something cannot be freed, it measures no further workload; the report has what was measured.
  - Evicts nothing of others. Files that no benchmark has made are never touched.
options:
  state:
    description: C(absent) removes from the store what benchmarks have made.
    type: str
    choices: [present, absent]
    default: present
  workloads:
    description: Files of one size each, as C({name, files, bytes}), with the bytes of each file.
    type: list
    elements: dict
    required: true
  arms:
    description: What is measured; empty for all that the deployment has.
    type: list
    elements: str
    default: []
  variants:
    description:
      - Other settings of mounts, each as C({name, properties, mount_options}). The warm arms with a mount are measured
        once more with each.
      - C(upstream), C(small-files) and C(large-files) without more are Alluxio's defaults, and a profile over these.
    type: list
    elements: dict
    default: []
  runs:
    description: How often each arm is measured.
    type: int
    default: 3
  epochs:
    description: How often a reader of a warm arm with a mount reads its files in each run, through the same mount.
    type: int
    default: 1
  parallelism:
    description: How many files each reader reads at once.
    type: int
    default: 4
  warm_up_s:
    description: How many seconds each reader reads what is not counted, before a run begins.
    type: int
    default: 3
  image:
    description: The readers' image, with Python and boto3.
    type: str
    required: true
  root_ufs_secret:
    description: Name of the Secret with the store's credentials, C(accessKeyId) and C(secretKey). Empty for none.
    type: str
    default: ""
  slow_endpoint:
    description: Address of the same store across a slow link, for the arm C(direct-slow).
    type: str
    default: ""
  baseline:
    description:
      - Path on the controller of an earlier run's JSON, which the figures are compared with, throughput and 95th
        percentile. All that it has must be measured.
    type: str
    default: ""
  tolerance_percent:
    description: How much slower than the baseline an arm may be.
    type: int
    default: 20
  report:
    description: Absolute path of a directory on the controller. Empty is C(alluxops/benchmarks) in C(XDG_STATE_HOME).
    type: str
    default: ""
  network_report:
    description:
      - Path on the controller of what C(network) has written, for ceilings. Empty means where it does so. One that is
        older than a day, or of other nodes, is not used.
    type: str
    default: ""
  wait_timeout_s:
    description: How many seconds one step may stand still.
    type: int
    default: 600
requirements:
  - pygal (Python, on the controller)
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description:
      - It looks, into the store too, by a Job; refuses what cannot be measured, and says what it would make, measure or
        remove.
    support: full
  diff_mode:
    description: Files of its own come and go.
    support: none
"""

EXAMPLES = r"""
- name: Measure many small files
  alluxops.cache.benchmark:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    workloads:
      - {name: small-files, files: 4000, bytes: 102400}
    image: registry.example.com/alluxops/toolbox:1.0.0
    root_ufs_secret: datasets-s3
"""

RETURN = r"""
proven: {description: Whether the workers' counters match the name of every arm., type: bool, returned: success}
slower:
  description: The arms that are slower than in the baseline, a line each.
  returned: when something was measured
  type: list
  elements: str
missing:
  description: The arms of the baseline that were not measured, and why, a line each.
  returned: when something was measured
  type: list
  elements: str
left:
  description: What could not be freed, why, and which workloads were not measured because of it, a line each.
  returned: when something was measured
  type: list
  elements: str
told:
  description: What is not proven, not freed, slower or missing, as text; empty where all is well.
  returned: success
  type: str
workloads:
  description: The figures, as in the report.
  returned: when something was measured
  type: list
  elements: dict
report: {description: Where the report is., type: str, returned: when something was measured}
summary:
  description: A line an arm, and what bounds the fastest.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("benchmark")


if __name__ == "__main__":
    main()
