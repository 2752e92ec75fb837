"""Reading many files through a proxy of Alluxio, in its own pod: a shell script and what its lines mean. Pure.

What reads fastest: of the ways to the bytes, `alluxio fs checksum` starts a Java machine for each call (1.6 s), or
takes one path after the other in one (15 ms a file); the REST API's streams need three requests a file; its S3 API
has no files outside of buckets. `download-file` gives a file whole for one request, a few milliseconds, and many at
once. bash asks it over the pod's loopback and pipes the answer into md5sum: every image has both, and the bytes stay
in the cluster, since only a line a file goes through the API server. MD5 since S3 tells that of its objects.

HTTP 1.0, so that what follows the headers is the content and nothing else, up to the end of the connection. A server
that fails half-way ends it too. So the bytes are counted, by dd, where no digest is known that tells as much.

A large file takes minutes, in which nothing would pass through the connections on the way: some line has to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from ansible_collections.alluxops.cache.plugins.module_utils import paths_api

PARALLEL: Final = 8
"""Files read at once: enough to hide what each waits for, few enough for a worker's threads."""
WORDS: Final = 300
BEAT_S: Final = 20
NO_PROXY: Final = "no proxy answers"
NO_ANSWER: Final = "no answer"
_DONE: Final = re.compile(r"^([0-9a-f]{32}) (\d+|any)$")
_TOLD: Final = "told=$(md5sum <&3)"
_TOLD_WITH_BYTES: Final = "told=$({ dd bs=65536 <&3 | md5sum; } 2>&1)"

_SCRIPT: Final = """
port={port} number={number} parallel={parallel}
export LC_ALL=C
# Read that nobody writes to, for a pause that ends with its shell.
exec 4<> <(:)
while IFS= read -r -t {beat} -u 4 _; (( $? > 128 )); do echo .; done 2> /dev/null &
beat=$!
readers=()
mapfile -n "$number" -t urls
one() {{
  local status line told digest bytes=any
  if ! exec 3<>"/dev/tcp/127.0.0.1/$port"; then echo "$1 ! {no_proxy}"; return; fi
  printf 'GET %s HTTP/1.0\\r\\n\\r\\n' "${{urls[$1]}}" >&3
  status=
  IFS= read -r status <&3
  while IFS= read -r line <&3 && [[ $line != $'\\r' ]]; do :; done
  if [[ $status == *' 200 '* ]]; then
    {told}
    digest=none
    [[ $told =~ ([0-9a-f]{{32}}) ]] && digest=${{BASH_REMATCH[1]}}
    [[ $told =~ ([0-9]+)\\ byte ]] && bytes=${{BASH_REMATCH[1]}}
    echo "$1 $digest $bytes"
  else
    line=
    IFS= read -r -n {words} line <&3
    echo "$1 ! ${{line:-the proxy answered ${{status%$'\\r'}}}}"
  fi
  exec 3<&-
}}
for ((k = 0; k < parallel; k++)); do
  for ((i = k; i < number; i += parallel)); do one "$i"; done 2> /dev/null 4<&- &
  readers+=($!)
done
wait "${{readers[@]}}"
kill "$beat"
wait "$beat" 2> /dev/null || :
"""


@dataclass(frozen=True)
class Digest:
    """What reading a file came to. md5: "" where it could not be read; why: Alluxio's words then.

    bytes: None where they were not counted.
    """

    md5: str = ""
    bytes: int | None = None
    why: str = ""

    @property
    def is_unanswered(self) -> bool:
        """Whether nobody was there to read it, which says nothing of the file."""
        return self.why.startswith((NO_PROXY, NO_ANSWER))

    def of(self, size: int) -> Digest:
        """The same, unless the file is said to have another size: then it was not read to its end."""
        if self.md5 and self.bytes not in (None, size):
            return Digest(why=f"it broke off after {self.bytes} of {size} bytes")
        return self


def script(port: int, number: int, *, counts: bool = True) -> str:
    """Shell text for bash that takes so many lines of requests() from its input. counts: whether bytes are counted."""
    return _SCRIPT.format(
        port=port,
        number=number,
        parallel=max(1, min(PARALLEL, number)),
        told=_TOLD_WITH_BYTES if counts else _TOLD,
        words=WORDS,
        beat=BEAT_S,
        no_proxy=NO_PROXY,
    )


def requests(paths: Sequence[str]) -> bytes:
    """The input: a line a file. A name may hold anything, and a line only what an address can."""
    lines = [f"{paths_api.BASE}{quote(path, safe='/')}/download-file\n" for path in paths]
    return "".join(lines).encode()


def parse(paths: Sequence[str], output: str) -> dict[str, Digest]:
    """What became of each file that a line tells of."""
    found: dict[str, Digest] = {}
    for line in output.splitlines():
        ordinal, _, told = line.partition(" ")
        if not ordinal.isdigit() or int(ordinal) >= len(paths):
            continue
        path = paths[int(ordinal)]
        if told.startswith("! "):
            found[path] = Digest(why=told[2:].strip())
        elif done := _DONE.match(told):
            size = done.group(2)
            found[path] = Digest(done.group(1), int(size) if size.isdigit() else None)
    return found
