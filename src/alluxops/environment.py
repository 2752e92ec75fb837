"""Which of the caller's environment variables reach Ansible.

A run must not depend on what happens to be exported in a shell, and must not hand tokens of other tools to everything
it starts. So there is a list; ALLUXOPS_PASS_ENV names more (comma separated), for inventories that read their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSED_NAMES = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR",
    "SSH_AUTH_SOCK", "SSH_AGENT_PID", "KRB5CCNAME", "GNUPGHOME",
    "KUBECONFIG", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "all_proxy",
})  # fmt: skip

# XDG: where tools keep their files. The cloud names: credential helpers that a kubeconfig may start.
PASSED_PREFIXES = (
    "LC_", "XDG_", "ANSIBLE_", "ALLUXOPS_", "K8S_AUTH_", "HELM_",
    "AWS_", "AZURE_", "CLOUDSDK_", "GOOGLE_", "USE_GKE_",
)  # fmt: skip

# The wrapper reads Ansible's output itself: what would change its form stays out.
REFUSED_NAMES = frozenset({
    "ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_FORCE_COLOR", "ANSIBLE_LOAD_CALLBACK_PLUGINS",
    "ANSIBLE_DISPLAY_ARGS_TO_STDOUT",
})  # fmt: skip


def pass_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of environ that Ansible gets."""
    named = {name.strip() for name in environ.get("ALLUXOPS_PASS_ENV", "").split(",")}
    return {
        name: value
        for name, value in environ.items()
        if name not in REFUSED_NAMES
        and (name in PASSED_NAMES or name in named or name.startswith(PASSED_PREFIXES))
    }
