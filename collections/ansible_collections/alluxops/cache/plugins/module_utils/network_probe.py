"""What runs in a pod to measure its network: it answers, opens connections, and reads an object over and over.

The pod's own program, sent as text: Python 3.9; reading objects takes boto3, and answering iperf3. It prints one line
of JSON. Credentials come from the environment.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

CHUNK = 1 << 20
TICK_S = 0.1
CONNECT_TIMEOUT_S = 3.0
PAUSE_S = 0.01
LISTED = 1000


def serve(port: int) -> None:
    """Answer iperf3 on the port, and connections on the next one, until the pod ends."""
    # Process 1 of a container ignores a signal that it has not asked for.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    threading.Thread(target=answer, args=(port + 1,), daemon=True).start()
    while True:
        subprocess.call(["iperf3", "--server", "--port", str(port)], stdout=subprocess.DEVNULL)
        time.sleep(1)


def answer(port: int) -> None:
    """Accept connections, and close each."""
    with listener(port) as listening:
        while True:
            listening.accept()[0].close()


def listener(port: int) -> socket.socket:
    """A socket that listens, for both kinds of addresses where the pod has both."""
    try:
        return socket.create_server(
            ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64
        )
    except (OSError, ValueError):
        return socket.create_server(("", port), backlog=64)


def connect(host: str, port: int, times: int) -> dict[str, Any]:
    """How many milliseconds a TCP connection takes to open, for each time."""
    # Once, since a name's resolution is no latency of the link.
    address = (str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]), port)
    took = []
    for _ in range(times):
        began = time.perf_counter()
        socket.create_connection(address, timeout=CONNECT_TIMEOUT_S).close()
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE_S)
    return {"ms": [round(each, 3) for each in took]}


def find(store: dict[str, Any]) -> dict[str, Any]:
    """The endpoint, and the object to read: the one that is named, else the largest of the first."""
    s3 = client(store)
    found: dict[str, Any] = {"endpoint": s3.meta.endpoint_url, "key": "", "bytes": 0}
    if store["key"]:
        head = s3.head_object(Bucket=store["bucket"], Key=store["key"])
        return {**found, "key": store["key"], "bytes": head["ContentLength"]}
    listed = s3.list_objects_v2(Bucket=store["bucket"], Prefix=store["prefix"], MaxKeys=LISTED)
    for item in listed.get("Contents", []):
        if item["Size"] > found["bytes"]:
            found.update(key=item["Key"], bytes=item["Size"])
    return found


def read(store: dict[str, Any], seconds: float, streams: int) -> dict[str, Any]:
    """Read the object for so long, over so many connections at once.

    began: when, in seconds since 1970. ticks: [seconds since then, bytes], about every TICK_S, as a busy node is late.
    """
    s3 = client(store, streams)
    count = [0] * streams
    failures: list[str] = []
    began, start = time.time(), time.monotonic()
    end = start + seconds

    def stream(number: int) -> None:
        try:
            while time.monotonic() < end:
                body = s3.get_object(Bucket=store["bucket"], Key=store["key"])["Body"]
                while time.monotonic() < end:
                    piece = body.read(CHUNK)
                    if not piece:
                        break
                    count[number] += len(piece)
                body.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            failures.append(said(error))

    threads = [threading.Thread(target=stream, args=(number,)) for number in range(streams)]
    for thread in threads:
        thread.start()
    ticks = []
    is_over = False
    while not is_over:
        now = time.monotonic()
        is_over = now >= end
        ticks.append([round(now - start, 4), sum(count)])
        time.sleep(TICK_S)
    for thread in threads:
        thread.join()
    if failures:
        return {"error": failures[0]}
    return {"began": round(began, 4), "ticks": ticks}


def client(store: dict[str, Any], streams: int = 1) -> Any:
    """boto3's client for the store."""
    import boto3  # noqa: PLC0415 - only the pods have it
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(
        s3={"addressing_style": "path" if store["path_style"] else "auto"},
        retries={"max_attempts": 2},
        connect_timeout=5,
        read_timeout=20,
        max_pool_connections=streams,
    )
    return boto3.client(
        "s3",
        endpoint_url=store["endpoint"] or None,
        region_name=store["region"] or None,
        config=config,
    )


def said(error: Exception) -> str:
    """An error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def main(argv: list[str]) -> dict[str, Any]:
    """Do what the first word says."""
    verb, *rest = argv
    if verb == "serve":
        serve(int(rest[0]))
    try:
        if verb == "connect":
            return connect(rest[0], int(rest[1]), int(rest[2]))
        if verb == "find":
            return find(json.loads(rest[0]))
        return read(json.loads(rest[0]), float(rest[1]), int(rest[2]))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return {"error": said(error)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])) + "\n")
