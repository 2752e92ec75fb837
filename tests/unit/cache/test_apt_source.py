"""Helm's apt repository: addresses, files, versions, and what apt's complaints mean."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import apt_source
from ansible_collections.alluxops.cache.plugins.module_utils.apt_source import Repository
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

HELM = Repository("https://packages.test/helm", "any", ("main",))
OWN = "/etc/apt/sources.list.d/alluxops-helm.sources"


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("https://packages.test/helm/", HELM),
        (" https://packages.test/helm ", HELM),
        ("deb https://packages.test/helm/ any main", HELM),
        (
            "http://10.77.0.1:8081/ stable main extra",
            Repository("http://10.77.0.1:8081", "stable", ("main", "extra")),
        ),
        ("file:///srv/helm ./", Repository("file:///srv/helm", "./", ())),
    ],
)
def test_a_repository_is_a_url_or_a_url_with_suite_and_components(
    text: str, repository: Repository
) -> None:
    assert apt_source.parse_repository(text, apt_source.HELM) == repository


@pytest.mark.parametrize(
    "text",
    [
        "",
        "packages.test/helm",
        "ftp://packages.test/helm",
        "deb [trusted=yes] https://packages.test/helm any main",
        "https://packages.test/helm any",
        "https://packages.test/helm ./ main",
    ],
)
def test_a_repository_that_is_none_is_refused_with_the_value(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        apt_source.parse_repository(text, apt_source.HELM)
    assert repr(text) in str(caught.value)


def test_the_source_trusts_its_own_keyring_only() -> None:
    text = apt_source.render_source(HELM, "amd64", "/etc/apt/keyrings/helm.gpg", apt_source.HELM)
    fields = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert fields == {
        "Types": "deb",
        "URIs": "https://packages.test/helm/",
        "Suites": "any",
        "Components": "main",
        "Architectures": "amd64",
        "Signed-By": "/etc/apt/keyrings/helm.gpg",
    }


def test_a_flat_repository_has_no_components() -> None:
    flat = Repository("file:///srv/helm", "./", ())
    assert "Components" not in apt_source.render_source(flat, "amd64", "/k.gpg", apt_source.HELM)


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("4.3.1-1", "4.3.1"),
        ("4.3.1", "4.3.1"),
        ("1:4.3.1-1+b2", "4.3.1"),
        ("4.4.0~rc.1-1", "4.4.0~rc.1"),
    ],
)
def test_the_upstream_version_of_a_debian_version(debian: str, upstream: str) -> None:
    assert apt_source.upstream_version(debian) == upstream


MADISON = """\
      helm |    4.3.1-2 | http://127.0.0.1:18441 any/main amd64 Packages
      helm |    4.3.1-1 | http://127.0.0.1:18441 any/main amd64 Packages
      helm |   3.21.4-1 | http://127.0.0.1:18441 any/main amd64 Packages
 helm-diff |   4.3.1-9 | http://127.0.0.1:18441 any/main amd64 Packages
"""


def chosen_of(madison: str, wanted: str) -> str:
    offered = apt_source.parse_madison(madison, "helm")
    return apt_source.choose_version("helm", offered, wanted, HELM, apt_source.HELM)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [("4.3.1", "4.3.1-2"), ("4.3.1-1", "4.3.1-1"), ("v3.21.4", "3.21.4-1")],
)
def test_the_newest_packaging_of_the_wanted_version_is_taken(wanted: str, chosen: str) -> None:
    assert chosen_of(MADISON, wanted) == chosen


@pytest.mark.parametrize("wanted", ["4.3", "4.3.10", "4.3.1-3", "4"])
def test_a_version_that_is_not_there_is_refused_naming_those_that_are(wanted: str) -> None:
    with pytest.raises(CacheError) as caught:
        chosen_of(MADISON, wanted)
    assert f"has no helm {wanted}." in str(caught.value)
    assert "It has 4.3.1-2, 4.3.1-1, 3.21.4-1." in str(caught.value)


def test_a_repository_without_helm_says_so() -> None:
    with pytest.raises(CacheError, match="no package `helm`"):
        chosen_of("", "4.3.1")


def test_other_sources_of_the_same_repository_are_found_in_both_formats() -> None:
    files = {
        OWN: "URIs: https://packages.test/helm/\n",
        "/etc/apt/sources.list.d/old.list": (
            "deb [arch=amd64 signed-by=/usr/share/keyrings/helm.gpg] https://packages.test/helm/ any main\n"
        ),
        "/etc/apt/sources.list.d/other.sources": "Types: deb\nURIs: https://packages.test/helm\n",
        "/etc/apt/sources.list.d/off.list": "# deb https://packages.test/helm/ any main\n",
        "/etc/apt/sources.list.d/near.list": "deb https://packages.test/helm-beta/ any main\n",
        "/etc/apt/sources.list": "deb https://deb.test/debian bookworm main\n",
    }
    assert apt_source.rival_sources(files, HELM, OWN) == [
        "/etc/apt/sources.list.d/old.list",
        "/etc/apt/sources.list.d/other.sources",
    ]


UBUNTU = """\
# See http://help.ubuntu.com/community/UpgradeNotes
Types: deb
URIs: http://archive.ubuntu.com/ubuntu/
Suites: noble noble-updates noble-backports
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg

Types: deb
URIs: http://security.ubuntu.com/ubuntu/
Suites: noble-security
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
"""
STANZA = f"Types: deb\nURIs: {HELM.url}/\nSuites: any\nComponents: main\n"


@pytest.mark.parametrize(
    ("text", "is_rival"),
    [
        (UBUNTU, False),
        (f"{UBUNTU}\n{STANZA}", True),
        (f"{UBUNTU}\n{STANZA}Enabled: no\n", False),
        (f"Enabled: no\n{STANZA}", False),
        (f"{STANZA}Enabled: yes\n", True),
        (f"{STANZA}Enabled: no\n\n{STANZA}", True),
        (f"{STANZA}# Enabled: no\n", True),
        (f"{UBUNTU}\n#\n{STANZA}Enabled: No\n", False),
    ],
)
def test_only_what_apt_goes_by_in_ubuntus_own_form_is_a_rival(text: str, *, is_rival: bool) -> None:
    path = "/etc/apt/sources.list.d/ubuntu.sources"
    moved = {
        "/etc/apt/sources.list": "# Ubuntu sources have moved to the sources.list.d directory\n"
    }
    found = apt_source.rival_sources({**moved, path: text}, HELM, OWN)
    assert found == ([path] if is_rival else [])


BADSIG = """\
W: GPG error: http://r any InRelease: The following signatures were invalid: BADSIG 5DB7938ACB4FFC2F Lab
E: The repository 'http://r any InRelease' is not signed.
"""
NO_PUBKEY = """\
W: GPG error: http://r any InRelease: The following signatures couldn't be verified because the public key is not \
available: NO_PUBKEY 5DB7938ACB4FFC2F
E: The repository 'http://r any InRelease' is not signed.
"""
SQV_MISSING = """\
W: OpenPGP signature verification failed: http://r any InRelease: Sub-process /usr/bin/sqv returned an error code (1), \
error message is: Missing key 22781BEF0AF20D99BD19BDD15DB7938ACB4FFC2F, which is needed to verify signature.
E: The repository 'http://r any InRelease' is not signed.
"""
SIZE = "E: Failed to fetch http://r/Packages.gz  File has unexpected size (524 != 523). Mirror sync in progress?"
HASH = "E: Failed to fetch http://r/pool/helm_4.3.1-1_amd64.deb  Hash Sum mismatch"
UNSIGNED = "E: The repository 'http://r any Release' is not signed."
FORBIDDEN = "E: Failed to fetch http://r/dists/any/InRelease  403  Forbidden [IP: 10.0.0.1 80]"
REFUSED = "E: Failed to fetch http://r/InRelease  Could not connect to 10.0.0.1:80. - connect (111: Connection refused)"
EXPIRED = "W: GPG error: http://r any InRelease: The following signatures were invalid: EXPKEYSIG 5DB7938ACB4FFC2F Lab"


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (BADSIG, "changed after it was signed"),
        (NO_PUBKEY, "signed by another key"),
        (SQV_MISSING, "signed by another key"),
        (SIZE, "not the one that the signed index names"),
        (HASH, "not the one that the signed index names"),
        (UNSIGNED, "no valid signature"),
        (FORBIDDEN, "refuses the request"),
        (REFUSED, "does not reach the repository"),
        (EXPIRED, "has expired"),
    ],
)
def test_a_complaint_of_apt_is_explained_and_quoted(output: str, says: str) -> None:
    error = str(apt_source.explain("the repository was refused.", output, apt_source.HELM))
    assert says in error
    assert "the repository was refused." in error
    assert "http://r" in error, "apt's own words are kept"
    assert "\nFix: " in error


@pytest.mark.parametrize(
    ("purpose", "says"),
    [
        (apt_source.HELM, "helm_install_method: binary"),
        (apt_source.KUBERNETES, "bootstrap_workers_install_method: files"),
        (apt_source.SYSTEM, "install the packages by hand"),
    ],
)
def test_what_to_do_is_told_by_what_the_repository_is_for(
    purpose: apt_source.Purpose, says: str
) -> None:
    assert says in str(apt_source.explain("no.", REFUSED, purpose))


def test_an_unknown_complaint_is_quoted() -> None:
    assert "something new" in str(apt_source.explain("no.", "E: something new", apt_source.SYSTEM))


def test_locks_and_interrupted_runs_are_told_from_failures() -> None:
    lock = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 42 (apt-get)"
    assert apt_source.is_locked(lock)
    at_work = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (unattended-upgr)"
    assert apt_source.is_locked(at_work)
    assert not apt_source.is_locked(BADSIG)
    assert apt_source.is_interrupted(
        "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'"
    )
    assert not apt_source.is_interrupted(lock)
