from __future__ import annotations

import json
from pathlib import Path

import pytest

from alluxops.errors import UsageError
from alluxops.extra_vars import parse_extra_vars, secret_values


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("a=1", {"a": "1"}),
        ("a=1 b='x y'", {"a": "1", "b": "x y"}),
        ('{"a": 1, "b": [true]}', {"a": 1, "b": [True]}),
        ("{a: {b: c}}", {"a": {"b": "c"}}),
        ("a=", {"a": ""}),
    ],
)
def test_variables_mean_what_they_mean_in_ansible(
    option: str, values: object, tmp_path: Path
) -> None:
    parsed = parse_extra_vars(option, tmp_path)
    assert parsed.values == values
    assert parsed.path is None


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("novalue", "name=value"),
        ("a=1 stray", "stray"),
        ("{a: 1", "line 1"),
        ("[1, 2]", "a list"),
        ("@missing.yml", "no such file"),
        ("./vars.yml", "@./vars.yml"),
        ("", "not a variable"),
    ],
)
def test_malformed_options_are_refused_with_the_reason(
    option: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        parse_extra_vars(option, tmp_path)
    assert caught.value.exit_code == 2


def test_a_refusal_does_not_repeat_a_value(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        parse_extra_vars("password 'hunter2secret", tmp_path)
    assert "hunter2secret" not in str(caught.value)


def test_a_file_is_checked_but_stays_the_users(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n")
    parsed = parse_extra_vars("@good.yml", tmp_path)
    assert parsed.path == tmp_path / "good.yml"
    assert parsed.text is None
    (tmp_path / "bad.yml").write_text("a: [1\n")
    with pytest.raises(UsageError, match=r"bad\.yml cannot be parsed"):
        parse_extra_vars("@bad.yml", tmp_path)
    (tmp_path / "list.yml").write_text("- a\n")
    with pytest.raises(UsageError, match="holds a list"):
        parse_extra_vars("@list.yml", tmp_path)


def test_an_encrypted_file_is_left_to_ansible(tmp_path: Path) -> None:
    (tmp_path / "vault.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    assert parse_extra_vars("@vault.yml", tmp_path).values == {}


def test_secrets_are_found_by_the_names_above_them(tmp_path: Path) -> None:
    options = [
        '{"alluxio_root_ufs_credentials": {"accessKeyId": "AKIA-one", "secretKey": "s3cr3t-two"}}',
        "db_password=hunter-three region=eu-west-one",
        "alluxio_root_ufs_secret=name-of-a-secret",
        'api_token=\'{{ lookup("env", "X") }}\'',
        "token=short",
    ]
    found = secret_values(parse_extra_vars(option, tmp_path) for option in options)
    assert found == {"AKIA-one", "s3cr3t-two", "hunter-three"}


def test_the_name_of_a_data_sets_secret_is_shown_and_what_is_none_is_not(tmp_path: Path) -> None:
    sets = [{"name": "images", "secret": "images-s3", "options": {"secret": "in-the-wrong-place"}}]
    option = json.dumps({"alluxio_datasets": sets})
    assert secret_values([parse_extra_vars(option, tmp_path)]) == {"in-the-wrong-place"}
