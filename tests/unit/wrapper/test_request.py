from __future__ import annotations

import json
from pathlib import Path

import pytest

from alluxops.environment import pass_environment
from alluxops.errors import UsageError
from alluxops.project import Project
from alluxops.redact import MASK, Redactor
from alluxops.request import Plan, RunRequest, Surroundings, plan


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "repository"
    (root / "playbooks").mkdir(parents=True)
    (root / "playbooks" / "site.yml").write_text("[]")
    (root / "playbooks" / "bootstrap_workers.yml").write_text("[]")
    (root / "ansible.cfg").write_text("[defaults]\nroles_path = roles\n")
    return Project("repository", root)


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    for folder in ("work", "bin", "run"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bin" / "ansible-playbook").touch()
    (tmp_path / "work" / "hosts.yml").write_text("all: {}")
    return Surroundings(tmp_path / "work", {"PATH": "/usr/bin"}, tmp_path / "bin")


def decide(request: RunRequest, project: Project, surroundings: Surroundings) -> Plan:
    return plan(request, project, surroundings, surroundings.cwd.parent / "run")


def test_options_become_ansibles_own(project: Project, surroundings: Surroundings) -> None:
    request = RunRequest(
        "site",
        inventory=("hosts.yml", "h1,h2,"),
        limit="n1:-n2",
        check=True,
        diff=True,
        verbosity=3,
        tags=("a,b",),
        skip_tags=("c",),
    )
    planned = decide(request, project, surroundings)
    assert planned.argv == (
        str(surroundings.bin_dir / "ansible-playbook"),
        str(project.root / "playbooks" / "site.yml"),
        *("-i", str(surroundings.cwd / "hosts.yml"), "-i", "h1,h2,"),
        *("--limit=n1:-n2", "--check", "--diff", "--tags=a,b", "--skip-tags=c", "-vvv"),
    )
    assert planned.cwd == surroundings.cwd


def test_values_of_extra_vars_travel_in_files(project: Project, surroundings: Surroundings) -> None:
    (surroundings.cwd / "mine.yml").write_text("a: 1")
    request = RunRequest(
        "site",
        extra_vars=("s3_secret=tops3cret", "@mine.yml", '{"b": "{{ a }}"}'),
    )
    planned = decide(request, project, surroundings)
    assert "tops3cret" not in " ".join(planned.argv) + json.dumps(dict(planned.environment))
    run_dir = surroundings.cwd.parent / "run"
    given = [planned.argv[i + 1] for i, word in enumerate(planned.argv) if word == "-e"]
    # In the order given, since later ones win.
    assert given == [
        f"@{run_dir}/extra-vars-1.yml",
        f"@{surroundings.cwd}/mine.yml",
        f"@{run_dir}/extra-vars-3.yml",
    ]
    assert json.loads(planned.files["extra-vars-1.yml"]) == {"s3_secret": "tops3cret"}
    assert planned.files["extra-vars-3.yml"] == '{"b": "{{ a }}"}'
    assert planned.secrets == {"tops3cret"}


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (RunRequest("site", inventory=("nope.yml",)), "-i nope.yml does not exist"),
        (RunRequest("site", inventory=("empty",)), "empty directory"),
        (RunRequest("site", inventory=("",)), "names nothing"),
        (RunRequest("site", limit=" "), "--limit is empty"),
        (RunRequest("site", extra_vars=("x",)), "not a variable"),
        (RunRequest("no-such-verb"), "no_such_verb.yml"),
    ],
)
def test_what_cannot_work_is_refused(
    request_: RunRequest, told: str, project: Project, surroundings: Surroundings
) -> None:
    (surroundings.cwd / "empty").mkdir()
    with pytest.raises(UsageError, match=told):
        decide(request_, project, surroundings)


def test_an_inventory_of_the_environment_must_exist_too(
    project: Project, surroundings: Surroundings
) -> None:
    wrong = Surroundings(surroundings.cwd, {"ANSIBLE_INVENTORY": "gone"}, surroundings.bin_dir)
    with pytest.raises(UsageError, match="ANSIBLE_INVENTORY gone does not exist"):
        decide(RunRequest("site"), project, wrong)
    # An -i takes its place.
    decide(RunRequest("site", inventory=("hosts.yml",)), project, wrong)


def test_the_default_inventory_of_the_configuration_must_exist(
    project: Project, surroundings: Surroundings
) -> None:
    config = project.root / "ansible.cfg"
    config.write_text("[defaults]\ninventory = inventory/lab\n")
    with pytest.raises(UsageError, match=f"inventory in {config}: inventory/lab does not exist"):
        decide(RunRequest("site"), project, surroundings)


def test_dashes_of_a_verb_are_underscores_of_its_playbook(
    project: Project, surroundings: Surroundings
) -> None:
    planned = decide(RunRequest("bootstrap-workers"), project, surroundings)
    assert planned.argv[1] == str(project.root / "playbooks" / "bootstrap_workers.yml")


def test_the_repositorys_configuration_is_used_from_any_directory(
    project: Project, surroundings: Surroundings
) -> None:
    environment = decide(RunRequest("site"), project, surroundings).environment
    assert environment["ANSIBLE_CONFIG"] == str(project.root / "ansible.cfg")
    assert "ANSIBLE_ROLES_PATH" not in environment
    assert environment["PATH"] == f"{surroundings.bin_dir}:/usr/bin"


def test_a_users_own_configuration_wins_and_still_finds_our_roles(
    project: Project, surroundings: Surroundings
) -> None:
    (surroundings.cwd / "ansible.cfg").write_text("[defaults]\n")
    environment = decide(RunRequest("site"), project, surroundings).environment
    assert environment["ANSIBLE_CONFIG"] == str(surroundings.cwd / "ansible.cfg")
    assert environment["ANSIBLE_ROLES_PATH"].startswith(f"{project.root}/roles:")
    assert environment["ANSIBLE_COLLECTIONS_PATH"].startswith(f"{project.root}/collections:")


def test_a_configuration_anyone_could_have_put_there_is_not_read(
    project: Project, surroundings: Surroundings
) -> None:
    (surroundings.cwd / "ansible.cfg").write_text("[defaults]\n")
    surroundings.cwd.chmod(0o1777)
    environment = decide(RunRequest("site"), project, surroundings).environment
    assert environment["ANSIBLE_CONFIG"] == str(project.root / "ansible.cfg")


def test_playbooks_of_an_installed_collection_go_by_their_full_name(
    tmp_path: Path, surroundings: Surroundings
) -> None:
    root = tmp_path / "ansible_collections" / "alluxops" / "cache"
    (root / "playbooks").mkdir(parents=True)
    (root / "playbooks" / "site.yml").write_text("[]")
    planned = decide(RunRequest("site"), Project("collection", root), surroundings)
    assert planned.argv[1] == "alluxops.cache.site"
    assert "ANSIBLE_CONFIG" not in planned.environment


def test_only_listed_variables_reach_ansible() -> None:
    environment = pass_environment({
        "PATH": "/bin",
        "KUBECONFIG": "/k",
        "ANSIBLE_FORKS": "3",
        "ANSIBLE_STDOUT_CALLBACK": "json",
        "GITHUB_TOKEN": "x",
        "MY_REGION": "eu",
        "ALLUXOPS_PASS_ENV": "MY_REGION, OTHER",
    })  # fmt: skip
    assert environment == {
        "PATH": "/bin",
        "KUBECONFIG": "/k",
        "ANSIBLE_FORKS": "3",
        "MY_REGION": "eu",
        "ALLUXOPS_PASS_ENV": "MY_REGION, OTHER",
    }


def test_secrets_are_masked_longest_first() -> None:
    redact = Redactor(frozenset({"secret", "secret-longer"}), Path("/run/alluxops-run-x"))
    assert redact("a secret-longer, a secret") == f"a {MASK}, a {MASK}"
    assert redact("is 2 (/run/alluxops-run-x/extra-vars-1.yml:1:3).") == "is 2 (-e option)."
    assert redact("is 2 (alluxops-run-x/extra-vars-2.yml).") == "is 2 (-e option)."
    assert Redactor()("as it is") == "as it is"
