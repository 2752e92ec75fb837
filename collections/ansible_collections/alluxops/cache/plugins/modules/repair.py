from __future__ import annotations

DOCUMENTATION = r"""
module: repair
short_description: Make a cache follow its under stores again
description:
  - Looks as M(alluxops.cache.check) does. Then it has Alluxio ask the store again for each file that differs there, has
    dropped what is cached of files whose content differs, and loads again what was cached, is pinned or declared.
  - Deletes nothing in a store and writes nothing there, but for the empty objects that Alluxio marks directories with
    on S3. A file that was written to the cache only is never dropped; it is told. One that its store had and has no
    more is forgotten, one that is shorter there is learnt anew; much of both at once only where that is confirmed.
    Pins, media, replicas and TTLs stay.
  - Touches nothing but what it is given. Interrupted, the next run goes on; a second one changes nothing.
options:
  paths:
    description: Directories and files of the cache; C(/) is all.
    type: list
    elements: str
    required: true
  forgets:
    description:
      - Paths below which files that their store has no more are forgotten, and those that are shorter there learnt
        anew, however many. Without it none is where all of a compared path is missing or truncated, more than a tenth
        of its files (one may be), or more than 1 GiB that workers hold. A new version that is no shorter does
        not count.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.comparing
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Looks, and shows the steps.
    support: full
  diff_mode:
    description: Shows what is wrong, and the steps.
    support: full
"""

EXAMPLES = r"""
- name: Mend a dataset
  alluxops.cache.repair:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    paths: [/imagenet]
    content: all
"""

RETURN = r"""
steps:
  description: What was to do, a line a file.
  returned: success
  type: list
  elements: str
counts:
  description: How many findings there were of each kind.
  returned: success
  type: dict
left:
  description: The first of what could not be mended, each with C(path), C(kind) and C(detail).
  returned: success
  type: list
  elements: dict
told: {description: How much of which kind is left; empty for nothing., type: str, returned: success}
files: {description: Files with the same size and hash on both sides., type: int, returned: success}
bytes: {description: Their size., type: int, returned: success}
read_files: {description: Files whose content this run has read., type: int, returned: success}
read_bytes: {description: Their size., type: int, returned: success}
report: {description: Where the report is., type: str, returned: success}
summary:
  description: A few lines.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("repair")


if __name__ == "__main__":
    main()
