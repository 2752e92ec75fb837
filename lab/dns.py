"""CoreDNS as kubeadm would install it, but ready as soon as it serves, and forwarding nothing.

kubeadm has it probed once in 10 s, which is what a lab would otherwise wait for; and outside names
have nobody to be forwarded to in a sealed lab: a pod that asks for one gets an answer at once.
"""

from __future__ import annotations

from typing import Any

import yaml

from lab.errors import LabError


def adapt(manifest: str) -> str:
    """The CoreDNS manifests that kubeadm prints, adapted.

    Raises LabError where they have another shape than expected.
    """
    documents = [item for item in yaml.safe_load_all(without_remarks(manifest)) if item]
    by_kind: dict[str, dict[str, Any]] = {item["kind"]: item for item in documents}
    try:
        deployment, config = by_kind["Deployment"], by_kind["ConfigMap"]
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        # Quick to say yes and slow to say no, since the machine may be busy.
        container["readinessProbe"] |= {
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 10,
        }
        config["data"]["Corefile"] = without(config["data"]["Corefile"], {"forward", "loop"})
        # Meant for an update of an existing service; creating one refuses it.
        by_kind["Service"]["metadata"].pop("resourceVersion", None)
    except (KeyError, IndexError) as error:
        raise LabError(f"kubeadm's CoreDNS manifests have no {error}") from error
    return yaml.safe_dump_all(documents, sort_keys=False)


def without_remarks(printed: str) -> str:
    """The documents of what kubeadm prints.

    Where its configuration names patches, it says `[patches] ...` on the same stream, and then puts
    the first document on the line of its separator.
    """
    lines = [line for line in printed.splitlines() if not line.startswith("[")]
    return "\n".join(line.replace("---apiVersion", "---\napiVersion") for line in lines)


def without(corefile: str, plugins: set[str]) -> str:
    """A Corefile without some plugins, their blocks included."""
    kept: list[str] = []
    depth = 0
    for line in corefile.splitlines():
        words = line.split()
        if depth or (words and words[0] in plugins):
            depth += line.count("{") - line.count("}")
            continue
        kept.append(line)
    return "\n".join(kept) + "\n"
