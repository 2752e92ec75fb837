"""What a file's reading fails with is told of the file; that nobody answers is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import digests
from tests.unit.cache.check_cases import CONTENT, MD5

PROXY = SimpleNamespace(at=lambda: (SimpleNamespace(namespace="n", pod="p", container="c"), 1))


class Pod:
    """A container that prints one answer after the other."""

    def __init__(self, *answers: str, stderr: str = "") -> None:
        self.answers = list(answers)
        self.stderr = stderr

    def exec(self, *_: Any, **__: Any) -> SimpleNamespace:
        """The next, or the last again."""
        text = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return SimpleNamespace(stdout=text, stderr=self.stderr, returncode=137)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "PAUSE_S", 0.0)


def read(pod: Pod) -> dict[str, Any]:
    sizes = {"/d/a": len(CONTENT), "/d/b": len(CONTENT)}
    return digests.read(cast("Any", pod), cast("Any", PROXY), sizes, 1)


GOOD = f"0 {MD5} {len(CONTENT)}\n"


@pytest.mark.parametrize("last", ["", "1 ! no proxy answers"])
def test_that_nobody_answers_is_no_finding(last: str) -> None:
    with pytest.raises(CacheError, match="1 file of 2 could not be asked for") as caught:
        read(Pod(GOOD + last, last.replace("1 ", "0 ")))
    assert "run it again" in caught.value.fix


def test_what_the_script_said_last_is_told() -> None:
    with pytest.raises(CacheError, match="no answer: killed"):
        read(Pod("", stderr="first\nkilled\n"))


def test_what_answers_in_the_end_is_read() -> None:
    found = read(Pod("", GOOD + "1 ! no proxy answers", f"0 {MD5} {len(CONTENT)}"))
    assert [digest.md5 for digest in found.values()] == [MD5, MD5]


def test_what_alluxio_says_of_a_file_is_told_of_the_file() -> None:
    assert read(Pod(GOOD + "1 ! HTTP 500", "0 ! HTTP 500"))["/d/b"].why == "HTTP 500"
