"""The keyring that is made of a fetched key file, compared with what a real gpg says about real keys."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import apt_key
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

SETTING = "helm_apt_key_fingerprint"
ADDRESS = "helm_apt_key_url"
PLACE = "https://repository.test/key.asc"
UNKNOWN = "DDF78C3E6EBB2D2CC223C95C62BA89D07698DBC6"


@dataclass(frozen=True)
class Gpg:
    home: Path

    def run(self, *arguments: str, feed: bytes | None = None) -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--no-tty", *arguments]
        return subprocess.run(command, input=feed, capture_output=True, check=True).stdout

    def make(self, name: str, algorithm: str) -> str:
        self.run("--passphrase", "", "--quick-gen-key", name, algorithm, "sign", "never")
        listing = self.run("--with-colons", "--list-keys", name).decode()
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))

    def export(self, *fingerprints: str, armor: bool) -> bytes:
        return self.run(*(["--armor"] if armor else []), "--export", *fingerprints)

    def shown(self, keyring: bytes) -> list[str]:
        """Fingerprints of the primary keys that gpg finds in a keyring."""
        lines = self.run("--show-keys", "--with-colons", feed=keyring).decode().splitlines()
        return [
            follower.split(":")[9]
            for line, follower in itertools.pairwise(lines)
            if line.startswith("pub")
        ]


@pytest.fixture(scope="module")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gpg]:
    if not shutil.which("gpg"):
        pytest.skip("gpg is not installed")
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    yield Gpg(home)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


@pytest.fixture(scope="module")
def helm(gpg: Gpg) -> str:
    return gpg.make("Helm <helm@repository.test>", "rsa2048")


@pytest.fixture(scope="module")
def mallory(gpg: Gpg) -> str:
    return gpg.make("Mallory <mallory@repository.test>", "ed25519")


@pytest.mark.parametrize("armor", [True, False])
def test_the_keyring_is_the_very_key_that_gpg_exports(gpg: Gpg, helm: str, *, armor: bool) -> None:
    keyring = apt_key.keyring(gpg.export(helm, armor=armor), helm, PLACE, SETTING, ADDRESS)
    assert keyring == gpg.export(helm, armor=False)
    assert apt_key.holds_only(keyring, helm)


@pytest.mark.parametrize("algorithm", ["rsa3072", "ed25519", "nistp256", "dsa2048"])
def test_a_fingerprint_is_the_one_that_gpg_computes(gpg: Gpg, algorithm: str) -> None:
    fingerprint = gpg.make(f"{algorithm} <{algorithm}@repository.test>", algorithm)
    [certificate] = apt_key.certificates(gpg.export(fingerprint, armor=True), PLACE)
    assert certificate.fingerprint == fingerprint
    assert certificate.user_id == f"{algorithm} <{algorithm}@repository.test>"


@pytest.mark.parametrize("armor", [True, False])
def test_another_key_that_comes_along_is_not_trusted(
    gpg: Gpg, helm: str, mallory: str, *, armor: bool
) -> None:
    both = gpg.export(mallory, helm, armor=armor)
    assert sorted(gpg.shown(both)) == sorted([helm, mallory])
    keyring = apt_key.keyring(both, helm, PLACE, SETTING, ADDRESS)
    assert gpg.shown(keyring) == [helm]
    assert not apt_key.holds_only(gpg.export(mallory, helm, armor=False), helm)


def test_two_armored_blocks_in_one_file_are_both_read(gpg: Gpg, helm: str, mallory: str) -> None:
    file = b"# a comment\n" + gpg.export(mallory, armor=True) + gpg.export(helm, armor=True)
    assert gpg.shown(apt_key.keyring(file, helm, PLACE, SETTING, ADDRESS)) == [helm]


def test_a_wrong_key_is_refused_with_the_fingerprint_and_name_it_has(
    gpg: Gpg, mallory: str
) -> None:
    with pytest.raises(CacheError) as caught:
        apt_key.keyring(gpg.export(mallory, armor=True), UNKNOWN, PLACE, SETTING, ADDRESS)
    assert PLACE in str(caught.value)
    assert f"set {SETTING} to" in str(caught.value)
    assert f"Wanted {UNKNOWN}, found {mallory} (Mallory <mallory@repository.test>)" in str(
        caught.value
    )


def test_a_secret_key_is_refused(gpg: Gpg, helm: str) -> None:
    secret = gpg.run(
        "--passphrase", "", "--pinentry-mode", "loopback", "--export-secret-keys", helm
    )
    with pytest.raises(CacheError, match="secret key"):
        apt_key.keyring(secret, helm, PLACE, SETTING, ADDRESS)


def test_a_key_whose_octets_were_changed_is_another_key_or_none(gpg: Gpg, helm: str) -> None:
    whole = gpg.export(helm, armor=False)
    for offset in (5, 20, 100, 200):
        changed = whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :]
        with pytest.raises(CacheError):
            apt_key.keyring(changed, helm, PLACE, SETTING, ADDRESS)


@pytest.mark.parametrize("keep", [0, 1, 3, 50, 200])
def test_a_cut_file_is_refused(gpg: Gpg, helm: str, keep: int) -> None:
    with pytest.raises(CacheError):
        apt_key.keyring(gpg.export(helm, armor=False)[:keep], helm, PLACE, SETTING, ADDRESS)


def test_armor_with_a_wrong_checksum_is_refused(gpg: Gpg, helm: str) -> None:
    lines = gpg.export(helm, armor=True).splitlines()
    middle = len(lines) // 2
    lines[middle] = bytes(reversed(lines[middle]))
    with pytest.raises(CacheError, match=r"checksum|armor"):
        apt_key.certificates(b"\n".join(lines), PLACE)


def test_a_damaged_key_is_told_with_the_setting_of_its_address() -> None:
    """More than Helm's repository has a key."""
    with pytest.raises(CacheError) as caught:
        apt_key.keyring(b"\x99", UNKNOWN, PLACE, SETTING, "bootstrap_workers_apt_key_url")
    assert "or set bootstrap_workers_apt_key_url to the right file" in caught.value.fix


def test_windows_line_ends_and_headers_in_the_armor_are_read(gpg: Gpg, helm: str) -> None:
    armored = gpg.export(helm, armor=True)
    with_header = armored.replace(b"BLOCK-----\n\n", b"BLOCK-----\nComment: x\n\n", 1)
    assert apt_key.keyring(
        with_header.replace(b"\n", b"\r\n"), helm, PLACE, SETTING, ADDRESS
    ) == gpg.export(helm, armor=False)


@pytest.mark.parametrize("answer", [b"", b"<!DOCTYPE html><title>Log in</title>", b"{}"])
def test_what_is_no_key_at_all_is_refused_with_how_it_begins(answer: bytes) -> None:
    with pytest.raises(CacheError, match="is not an OpenPGP public key") as caught:
        apt_key.keyring(answer, UNKNOWN, PLACE, SETTING, ADDRESS)
    assert answer[:20].decode() in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "DDF78C3E6EBB2D2CC223C95C62BA89D07698DBC6",
        "ddf7 8c3e 6ebb 2d2c c223  c95c 62ba 89d0 7698 dbc6",
        "0xDDF78C3E6EBB2D2CC223C95C62BA89D07698DBC6",
        "DDF7:8C3E:6EBB:2D2C:C223:C95C:62BA:89D0:7698:DBC6",
    ],
)
def test_a_fingerprint_may_be_written_as_publishers_write_it(text: str) -> None:
    assert apt_key.normal_fingerprint(text, "helm_apt_key_fingerprint") == UNKNOWN


@pytest.mark.parametrize("text", ["", "7698DBC6", "62BA89D07698DBC6", "G" * 40, "A" * 41])
def test_a_short_key_id_is_no_fingerprint(text: str) -> None:
    with pytest.raises(SettingsError, match="helm_apt_key_fingerprint"):
        apt_key.normal_fingerprint(text, "helm_apt_key_fingerprint")
