"""The key of an artifact changes with each of its inputs and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.artifacts import keys
from lab.artifacts.catalog import RECIPES
from lab.artifacts.keys import key, source_digest, sources
from lab.versions import load

VERSIONS = load()


def key_of(name: str) -> str:
    recipe = RECIPES[name]
    return key(recipe, VERSIONS, {need: key_of(need) for need in recipe.needs})


def test_every_recipe_has_a_key_of_its_own_and_names_known_things() -> None:
    assert len({key_of(name) for name in RECIPES}) == len(RECIPES)
    for name, recipe in RECIPES.items():
        assert name == recipe.name
        assert set(recipe.needs) <= set(RECIPES)
        assert all(path.is_file() for path in recipe.inputs)


def test_a_key_follows_its_own_version_and_no_other() -> None:
    recipe = RECIPES["etcd"]
    assert key(recipe, replace(VERSIONS, etcd="9.9.9"), {}) != key(recipe, VERSIONS, {})
    assert key(recipe, replace(VERSIONS, helm="9.9.9"), {}) == key(recipe, VERSIONS, {})


def test_a_key_follows_what_the_artifact_needs() -> None:
    recipe = RECIPES["apt-repository"]
    one, other = (dict.fromkeys(recipe.needs, digit) for digit in "ab")
    assert key(recipe, VERSIONS, one) != key(recipe, VERSIONS, other)


def test_a_key_follows_its_input_files(tmp_path: Path) -> None:
    file = tmp_path / "pause.c"
    file.write_text("int main(void) {}")
    recipe = replace(RECIPES["etcd"], inputs=(file,))
    before = key(recipe, VERSIONS, {})
    file.write_text("int main(void) { return 1; }")
    assert key(recipe, VERSIONS, {}) != before


def test_the_code_that_counts_is_the_recipes_and_what_it_imports() -> None:
    names = {path.name for path in sources(RECIPES["images-core"])}
    assert {"core_images.py", "archive.py", "debian.py"} <= names
    assert not names & {"graph.py", "store.py", "build.py", "programs.py", "alluxio_images.py"}
    assert "pom.py" in {path.name for path in sources(RECIPES["alluxio-jars"])}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = 1\n", "# why\nx  =  1\n", True),
        (
            'def f() -> int:\n    """Old."""\n    return 1\n',
            "def f() -> int:\n    return 1\n",
            True,
        ),
        ("x = 1\n", "x = 2\n", False),
        ('x = "#1"\n', 'x = "#2"\n', False),
    ],
)
def test_comments_and_docstrings_do_not_count(
    one: str, other: str, same: bool, tmp_path: Path
) -> None:
    files = [tmp_path / "one.py", tmp_path / "other.py"]
    for file, text in zip(files, (one, other), strict=True):
        file.write_text(text)
    assert (source_digest(files[0]) == source_digest(files[1])) is same


def test_the_framework_is_not_what_artifacts_are_made_of() -> None:
    modules = {path.stem for path in (keys.LAB / "artifacts").glob("*.py")}
    assert modules >= keys.FRAMEWORK
