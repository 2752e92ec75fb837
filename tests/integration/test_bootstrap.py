"""`bootstrap-workers` on a real cluster: a spare node becomes a serving worker, and nothing else is touched."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.lab_under_test import RunningLab
from tests.integration.newcomer_under_test import OURS, Newcomer, beside_its_cache

pytestmark = pytest.mark.timeout(900)
long = pytest.mark.long
"""Not of the promise itself. What is not marked takes about three minutes, the cache and the spare node included."""

NAME = "boot"
PLAYBOOK = "playbooks/bootstrap_workers.yml"
TOKEN = re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")
RAN = re.compile(r"^(?:ok|changed|skipping|failed|fatal): \[(.+?)\]", re.MULTILINE)
"""Where a task ran, by ansible-playbook's lines; `n4 -> n1` of one that n4 delegates: the recap counts it for n4."""
QUOTA = 134217728
STALE = (
    "import ctypes, os, socket\n"
    'opened = os.open("/dev/fuse", os.O_RDWR)\n'
    'how = f"fd={opened},rootmode=40000,user_id=0,group_id=0".encode()\n'
    "assert not ctypes.CDLL(None).mount(b'gone', b'BASE/mount', b'fuse', 0, how)\n"
    "socket.socket(socket.AF_UNIX).bind('BASE/domain/gone')\n"
)


@pytest.fixture(scope="module")
def newcomer(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    """A cache, and beside it a node that is in no cluster."""
    spare = lab.spare_node(debian=12)
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    with beside_its_cache(Newcomer(cache, spare)) as found:
        yield found


@pytest.fixture(scope="module")
def before(newcomer: Newcomer) -> dict[str, str]:
    """The workers that were there before."""
    return newcomer.workers()


@pytest.fixture(scope="module")
def joined(newcomer: Newcomer, before: dict[str, str]) -> Outcome:
    """The run of ansible-playbook that made the spare node a worker."""
    del before
    began = time.monotonic()
    done = newcomer.cache.playbook("-vvv", PLAYBOOK, "--limit", newcomer.node, **OURS)
    print(f"a spare node became a worker in {time.monotonic() - began:.0f} s")  # noqa: T201 - a time is told, never asserted
    return done


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ("n9", "leaves us with no hosts to target"),
        ("SPARE,n9", "n9 of --limit SPARE,n9 is no host and no group of the inventory"),
        ("SPARE,nosuch", "nosuch of --limit SPARE,nosuch is no host and no group of the inventory"),
    ],
)
def test_a_host_that_nobody_knows_is_refused(newcomer: Newcomer, limit: str, says: str) -> None:
    done = newcomer.verb(limit=limit.replace("SPARE", newcomer.node))
    assert done.code == 2, done.output
    assert says.replace("SPARE", newcomer.node) in " ".join(done.output.split())
    assert newcomer.nodes().count(newcomer.node) == 0


def test_a_host_of_another_cluster_is_refused_and_left_as_it_is(newcomer: Newcomer) -> None:
    """Its kubelet's configuration holds a certificate authority that is not ours."""
    pki = "/etc/kubernetes/pki"
    newcomer.sh(
        f"mkdir -p {pki}; cd {pki}; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        " -keyout other.key -out other.crt -subj /CN=other -days 2 2>/dev/null;"
        f" printf 'clusters:\\n- cluster:\\n    certificate-authority: {pki}/other.crt\\n"
        "    server: https://elsewhere:6443\\n' > /etc/kubernetes/kubelet.conf"
    )
    try:
        done = newcomer.verb()
        assert done.code == 2, done.output
        assert f"{newcomer.node} belongs to another cluster" in done.output
        assert "https://elsewhere:6443" in done.output
        assert newcomer.sh("cat /etc/kubernetes/kubelet.conf").startswith("clusters:")
    finally:
        newcomer.sh(f"rm -f /etc/kubernetes/kubelet.conf {pki}/other.*")


@long
@pytest.mark.parametrize(
    ("obstacle", "undo", "settings", "says"),
    [
        (
            "mkdir -p STORAGE; mount -t tmpfs -o size=1m,mode=755 tiny STORAGE",
            "umount STORAGE; rmdir STORAGE",
            {},
            "free of 1.0 GiB needed",
        ),
        ("true", "true", {"bootstrap_workers_join": False}, "has not joined the cluster"),
        (
            "systemctl stop containerd; rm -f /run/containerd/containerd.sock",
            "systemctl start containerd",
            {},
            "containerd does not run",
        ),
        (
            "cp /etc/os-release /run/os; sed -i 's/VERSION_ID=.*/VERSION_ID=\"11\"/' /etc/os-release",
            "cp /run/os /etc/os-release",
            {},
            "its containerd is too old",
        ),
        (
            "true",
            "true",
            {"bootstrap_workers_taints": [{"key": "own", "effect": "NoSchedule"}]},
            "its taints own:NoSchedule are not tolerated",
        ),
    ],
    ids=["no-space", "no-join", "no-containerd", "old-system", "taint"],
)
def test_what_cannot_become_a_worker_is_refused_before_anything_changes(
    newcomer: Newcomer, obstacle: str, undo: str, settings: dict[str, Any], says: str
) -> None:
    storage = newcomer.cache.storage
    newcomer.sh(obstacle.replace("STORAGE", storage))
    try:
        done = newcomer.verb(**settings)
    finally:
        newcomer.sh(undo.replace("STORAGE", storage))
    assert done.code == 2, done.output
    assert says in " ".join(done.output.split())
    assert "Nothing was changed." in done.output
    assert newcomer.node not in newcomer.nodes()
    assert newcomer.tokens() == ""


@long
def test_a_check_says_what_it_would_do_and_does_nothing(newcomer: Newcomer) -> None:
    done = newcomer.apply("--check", "--diff")
    assert f"{newcomer.node}  would do: join the cluster" in done.output
    assert newcomer.node not in newcomer.nodes()
    assert newcomer.sh(f"ls -d {newcomer.cache.storage} 2>/dev/null; true") == ""


@long
def test_an_expired_token_is_told_and_the_next_run_joins(
    newcomer: Newcomer, before: dict[str, str]
) -> None:
    del before
    done = newcomer.verb(bootstrap_workers_token_ttl_s=1)
    assert done.code == 1, done.output
    assert "the token of this join expired" in done.output
    assert newcomer.tokens() == ""
    assert newcomer.node not in newcomer.nodes()
    try:
        newcomer.apply()
        assert newcomer.node in newcomer.workers()
    finally:
        newcomer.leave()  # what follows begins with a node that is in no cluster


@pytest.fixture
def keeper(newcomer: Newcomer) -> Iterator[dict[str, str]]:
    """The settings of a login that becomes root by a password."""
    folder = "/home/keeper/.ssh"
    newcomer.sh(
        "useradd --create-home --groups sudo keeper; echo keeper:right | chpasswd;"
        f" install -d -m 0700 -o keeper {folder}; install -m 0600 -o keeper /root/.ssh/authorized_keys {folder}/"
    )
    yield {"ansible_user": "keeper", "ansible_become_password": "right"}
    newcomer.sh("userdel --force --remove keeper", check=False)


@long
def test_a_wrong_password_of_sudo_is_told_and_with_the_right_one_it_goes_on(
    newcomer: Newcomer, keeper: dict[str, str]
) -> None:
    done = newcomer.verb(**{**keeper, "ansible_become_password": "wrong"})
    assert done.code == 2, done.output
    assert "Incorrect sudo password" in done.output
    assert "Set the right ansible_become_password" in done.output
    assert newcomer.node not in newcomer.nodes()
    assert newcomer.tokens() == ""
    done = newcomer.apply("--check", **keeper)
    assert f"{newcomer.node}  would do: join the cluster" in done.output


def test_one_command_makes_a_spare_node_a_serving_worker(
    newcomer: Newcomer, joined: Outcome
) -> None:
    assert f"{newcomer.node}  worker in " in joined.output
    assert "what n" in joined.output  # the canary
    assert set(newcomer.workers()) == {*newcomer.nodes()}
    report = newcomer.cache.apply("status", **OURS).output
    assert newcomer.node in report


def test_no_task_ran_on_another_host_and_no_other_worker_was_restarted(
    newcomer: Newcomer, before: dict[str, str], joined: Outcome
) -> None:
    assert set(RAN.findall(joined.output)) == {newcomer.node}
    now = newcomer.workers()
    assert {node: now[node] for node in before} == before


def test_the_token_is_gone_and_was_never_shown(newcomer: Newcomer, joined: Outcome) -> None:
    assert newcomer.tokens() == ""
    assert TOKEN.findall(joined.output) == []
    assert newcomer.sh("ls /run/alluxops-join-* 2>/dev/null; true") == ""
    # By unit: what Ansible logs of a join is one line, and speaks of the kubelet as well.
    kubelets = r"^(\S+ ){5}kubelet\.service\["
    log = newcomer.sh(f"journalctl --no-pager --output=with-unit | grep -vE '{kubelets}'")
    assert "Invoked with" in log
    assert TOKEN.findall(log) == []


def test_a_second_run_changes_nothing(newcomer: Newcomer, joined: Outcome) -> None:
    del joined
    again = newcomer.apply()
    assert ", 0 changed" in again.output
    assert f"{newcomer.node}  is a worker, nothing to mend" in again.output


@long
def test_site_before_the_move_leaves_the_worker(newcomer: Newcomer, joined: Outcome) -> None:
    del joined
    made = newcomer.workers()
    done = newcomer.cache.apply("site", **OURS)
    assert ", 0 changed" in done.output
    assert newcomer.node in done.output
    assert newcomer.workers() == made


@long
def test_what_is_broken_is_mended_and_told(newcomer: Newcomer, joined: Outcome) -> None:
    del joined
    base = newcomer.cache.root
    script = STALE.replace("BASE", base)
    newcomer.sh(
        f"mkdir -p {base}/mount; chown 12 {base}/tier0; cat > /run/stale.py <<'END'\n{script}\nEND\n"
        "python3 /run/stale.py; stat -c %n /proc/self >/dev/null"
    )
    done = newcomer.apply()
    assert f"{base}/mount: a FUSE mount whose process is gone was detached" in done.output
    assert f"{base}/domain: a domain socket that nobody listened on was removed" in done.output
    assert f"{base}/tier0: owner and mode were put right" in done.output
    newcomer.sh(f"test ! -e {base}/domain/gone && ls {base}/mount && rmdir {base}/mount")
    assert ", 0 changed" in newcomer.apply().output


@long
def test_a_mount_whose_process_hangs_is_told_and_left_until_that_has_ended(
    newcomer: Newcomer, joined: Outcome
) -> None:
    del joined
    point = f"{newcomer.cache.root}/mount"
    script = STALE.partition("socket.socket")[0].replace("BASE", newcomer.cache.root)
    newcomer.sh(
        f"mkdir -p {point}; cat > /run/hangs.py <<'END'\n{script}\nimport time; time.sleep(600)\nEND\n"
        "nohup python3 /run/hangs.py >/dev/null 2>&1 </dev/null & echo $! > /run/hangs.pid;"
        f" for _ in $(seq 50); do grep -q ' {point} ' /proc/mounts && break; sleep 0.2; done"
    )
    try:
        done = newcomer.apply()
        assert f"{point}: the FUSE mount does not answer" in " ".join(done.output.split())
        assert ", 0 changed" in done.output
    finally:
        newcomer.sh("kill $(cat /run/hangs.pid)")
    done = newcomer.apply()
    assert f"{point}: a FUSE mount whose process is gone was detached" in done.output
    newcomer.sh(f"rmdir {point}")


@pytest.fixture
def disk(newcomer: Newcomer, joined: Outcome) -> Iterator[str]:
    """A device with a file system on it. It is the kernel's, so that it is detached whatever happens."""
    del joined
    image = "/var/lib/containerd/disk.img"  # kubeadm reset leaves it
    try:
        newcomer.sh(f"truncate -s 300M {image} && mkfs.ext4 -q -L data {image}")
        yield newcomer.lab.attach(newcomer.node, image)
    finally:
        newcomer.sh(
            f"umount -l {newcomer.cache.root}/tier0; sed -i '/tier0/d' /etc/fstab;"
            f" losetup --noheadings --output NAME --associated {image} | xargs -r losetup --detach; rm -f {image}",
            check=False,
        )


@long
def test_a_disk_for_the_tier_is_formatted_once_and_what_it_held_only_when_confirmed(
    newcomer: Newcomer, disk: str
) -> None:
    tier = f"{newcomer.cache.root}/tier0"
    setting = {"bootstrap_workers_device": disk}
    refused = newcomer.verb(**setting)
    assert refused.code == 2, refused.output
    assert f"no tier of the release's workers lies on {tier}" in refused.output

    level = {"level": 0, "mediumtype": "SSD", "path": tier, "type": "hostPath", "quota": QUOTA}
    values = newcomer.cache.directory / "disk.yml"
    values.write_text(yaml.safe_dump({"tieredstore": {"levels": [level]}}))
    given = {"alluxio_values_files": [str(values)], "alluxio_worker_quota": QUOTA}
    newcomer.cache.apply("site", **OURS, **given)
    refused = newcomer.verb(**setting)
    assert refused.code == 2, refused.output
    assert f"{tier} on {newcomer.node} is in use: " in refused.output
    newcomer.leave()

    refused = newcomer.verb(**setting)
    assert refused.code == 2, refused.output
    assert "holds ext4 (data)" in refused.output
    confirmed = {**setting, "alluxio_confirm_format_device": f"{newcomer.node}:{disk}"}
    newcomer.sh("mv /usr/sbin/mkfs.ext4 /usr/sbin/mkfs.away")
    try:
        refused = newcomer.verb(**confirmed)
    finally:
        newcomer.sh("mv /usr/sbin/mkfs.away /usr/sbin/mkfs.ext4")
    assert refused.code == 2, refused.output
    assert "has no mkfs.ext4" in refused.output
    newcomer.apply(**confirmed)
    assert newcomer.sh(f"findmnt -no SOURCE {tier}").strip() == disk
    assert newcomer.sh(f"stat -c '%u %a' {tier}").strip() == "1000 750"
    assert ", 0 changed" in newcomer.apply(**setting).output
    assert newcomer.sh(f"grep -c {tier} /etc/fstab").strip() == "1"
    # Nodes of the lab are containers, in which systemd makes no units of disks in fstab: no reboot is tried.
    assert "x-systemd.before=kubelet.service" in newcomer.sh(f"grep {tier} /etc/fstab")


@long
def test_what_an_interrupted_join_left_is_cleared_away(newcomer: Newcomer, joined: Outcome) -> None:
    """The cluster's certificate, a file for a kubelet with a token that is long gone, and a token of the dead run."""
    del joined
    newcomer.leave()
    path = "-o=jsonpath={.data.kubeconfig}"
    published = newcomer.lab.kubectl("get", "cm", "-n", "kube-public", "cluster-info", path)
    folder = "/etc/kubernetes"
    newcomer.sh(
        f"mkdir -p {folder}/pki; cat > {folder}/bootstrap-kubelet.conf <<'END'\n{published}\nEND\n"
        f"sed -n 's/.*authority-data: //p' {folder}/bootstrap-kubelet.conf | base64 -d > {folder}/pki/ca.crt"
    )
    token = ("bootstrap-token-aaaaaa", "-n", "kube-system")
    newcomer.lab.kubectl("create", "secret", "generic", *token)
    newcomer.lab.kubectl("label", "secret", *token, f"alluxops.io/joins={newcomer.node}")
    done = newcomer.apply()
    assert f"{newcomer.node}  worker in " in done.output
    assert newcomer.tokens() == ""
    assert newcomer.node in newcomer.workers()


@long
@pytest.mark.parametrize(
    ("command", "how"),
    [
        (("alluxops", "bootstrap-workers"), signal.SIGINT),
        (("ansible-playbook", PLAYBOOK), signal.SIGTERM),
    ],
)
def test_a_run_that_is_interrupted_in_the_join_leaves_no_token_and_no_kubeadm(
    newcomer: Newcomer, joined: Outcome, command: tuple[str, ...], how: signal.Signals
) -> None:
    """Looked at before the next run, which would delete a token too, and wait for a kubeadm."""
    del joined
    newcomer.leave()
    inventory = ("-i", str(newcomer.lab.inventory))
    limit = ("--limit", newcomer.node)
    with newcomer.cache.running(*command, *inventory, *limit, **OURS) as process:
        newcomer.cache.wait_for("the token", lambda: newcomer.tokens() != "")
        process.send_signal(how)
        process.wait(timeout=60)
    wait_for = newcomer.cache.wait_for
    wait_for("the token to go", lambda: newcomer.tokens() == "", limit_s=10)
    left = "pgrep -x kubeadm; ls /run/alluxops-join-* 2>/dev/null; true"
    wait_for("kubeadm to go", lambda: newcomer.sh(left) == "", limit_s=10)
    newcomer.apply()
    assert newcomer.node in newcomer.workers()
    assert ", 0 changed" in newcomer.apply().output


@long
def test_a_run_that_was_killed_in_the_join_is_finished_by_the_next(
    newcomer: Newcomer, joined: Outcome
) -> None:
    del joined
    newcomer.leave()
    inventory = ("-i", str(newcomer.lab.inventory))
    command = ("alluxops", "bootstrap-workers", *inventory, "--limit", newcomer.node)
    with newcomer.cache.running(*command, **OURS) as process:
        newcomer.cache.wait_for("the join", lambda: "Join it" in newcomer.cache.running_log)
        newcomer.cache.kill(process)
    newcomer.apply()
    assert newcomer.node in newcomer.workers()
    assert ", 0 changed" in newcomer.apply().output
