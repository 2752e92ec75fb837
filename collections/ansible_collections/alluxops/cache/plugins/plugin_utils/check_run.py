"""What check and repair begin with: names, sizes and hashes compared, content read. I/O only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    check_report,
    check_targets,
    consistency,
    datasets,
)
from ansible_collections.alluxops.cache.plugins.module_utils.check_report import (
    Asked,
    Content,
    Outcome,
)
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.charts import raise_all
from ansible_collections.alluxops.cache.plugins.plugin_utils.check_files import Proofs
from ansible_collections.alluxops.cache.plugins.plugin_utils.content_check import ContentCheck


def asked(
    options: Mapping[str, Any], verb: str, *, needs_paths: bool = False
) -> tuple[Asked, list[Dataset]]:
    """(what is asked for, the declared datasets). verb: as variables' names begin. Raises ManySettingsErrors."""
    paths, faults = check_targets.read(options["paths"], f"{verb}_paths")
    declared, more = datasets.read(options["datasets"])
    faults += more
    if needs_paths and not options["paths"]:
        faults.append(
            SettingsError(
                f"{verb}_paths is empty.",
                "Nothing is touched but what is named.",
                f'name directories or files: -e \'{{"{verb}_paths": ["/imagenet"]}}\'; / is all.',
            )
        )
    if options["sample"] < 1:
        faults.append(
            SettingsError(
                f"{verb}_sample is {options['sample']}.",
                "It is a number of files.",
                f"set 1 or more, or {verb}_content: {check_report.NONE}.",
            )
        )
    raise_all(faults)
    return Asked(tuple(paths), options["content"], options["sample"], options["seed"]), declared


def look(check: ContentCheck, want: Asked, verb: str) -> Outcome:
    """Compare, then read what is asked for. What an interrupted run of the same verb has proven is taken up.

    A repair takes up no check: what is proven is a version of a file, and its copies may be others since then.
    """
    compared = check.compare()
    files = consistency.to_read(compared.same)
    if want.content == check_report.NONE:
        return Outcome(want, check.parts, compared, Content())
    if want.content == check_report.SAMPLE:
        files = consistency.sample(files, want.sample, want.seed)
    kube = check.cache.kube
    proofs = Proofs(
        {
            "verb": verb,
            "cluster": objects.cluster_uid(kube),
            "namespace": check.cache.namespace,
            "release": check.cache.release,
            **want.as_dict(),
        }
    )
    content = check.read(files, proofs)
    check.keep_stores()  # a repair goes on with them; where they do not answer, nothing has to be read again
    proofs.forget()
    return Outcome(want, check.parts, compared, content)
