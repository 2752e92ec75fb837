"""The report of a benchmark for people: one HTML file that needs nothing else, with its plots inside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_epochs,
    benchmark_gate,
    benchmark_proof,
    benchmark_result,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import Workload
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_result import SHARES
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

with contextlib.suppress(ImportError):
    import pygal

Json = Mapping[str, Any]

_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 sans-serif; max-width: 72em; margin: 2em auto; padding: 0 1em; color: #222; }}
table {{ border-collapse: collapse; margin: 1em 0; }}
th, td {{ padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top; }}
th:first-child, td:first-child, .text {{ text-align: left; }}
.wrong {{ color: #b00; font-weight: bold; }}
.plots {{ display: flex; flex-wrap: wrap; }} .plots svg {{ width: 34em; height: 24em; }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def refuse_without_library() -> None:
    """Raise SettingsError where the plots cannot be drawn: before an hour of measuring, not after."""
    if "pygal" not in globals():
        raise SettingsError(
            "the Python that runs Ansible lacks a module: pygal.",
            "It draws the plots of the benchmark's report.",
            "install `pygal` into Ansible's Python environment.",
        )


def page(report: Json, before: Sequence[Json]) -> str:
    """The file's text. before: earlier reports, oldest first."""
    parts = [
        _head(report),
        _alarm("Not proven", report["wrong"]),
        _alarm("Left cached, as it could not be freed", report["left"]),
        _alarm("Slower", report["slower"]),
        _alarm("Missing, of what the baseline has", report["missing"]),
    ]
    parts += _variants(report["settings"]["variants"])
    parts += [_workload(one, [*before, report]) for one in report["workloads"]]
    parts += _network(report["network"])
    return _PAGE.format(title=escape(f"{report['cache']} benchmark"), body="\n".join(parts))


def _head(report: Json) -> str:
    settings = report["settings"]
    rows = {
        "measured": report["made_at"],
        "Alluxio": report["versions"]["alluxio"],
        "Kubernetes": report["versions"]["kubernetes"],
        "readers": f"{settings['readers']}, each with {settings['parallelism']} files at once",
        "runs": f"{settings['runs']} of each arm",
        "epochs": f"{settings['epochs']} of each run with a mount",
        "store": report["store"]["endpoint"] or "AWS",
        "slow link": report["store"]["slow_endpoint"] or "not measured",
        "ceilings": _ceilings(report),
        **{f"without {arm}": why for arm, why in report["left_out"].items()},
    }
    return _table((), ([name, str(value)] for name, value in rows.items()), all_text=True)


def _variants(variants: Sequence[Json]) -> list[str]:
    """What each variant sets."""
    rows = []
    for one in variants:
        words = [f"{name}={value}" for name, value in one["properties"].items()]
        rows.append([one["name"], " ".join(words), one["options"] or "the release's"])
    if not rows:
        return []
    heads = ["variant", "properties of its mounts", "their mount options"]
    return ["<h2>Settings that were tried</h2>", _table(heads, rows, all_text=True)]


def _ceilings(report: Json) -> str:
    """What they are from, or why there are none."""
    if report["network"]:
        return f"by `network`, measured at {report['network']['made_at']}"
    return f"none: {report['without_ceilings']}"


def _network(network: Json | None) -> list[str]:
    """What `network` has measured, as its tables."""
    if not network:
        return []
    parts = [f"<h2>What network and disks allow, measured {escape(network['made_at'])}</h2>"]
    for figure in network["figures"]:
        rows = [
            [name, *("-" if value is None else f"{value:g}" for value in values)]
            for name, values in zip(figure["rows"], figure["values"], strict=True)
        ]
        parts.append(f"<h3>{escape(figure['title'])}, {escape(figure['unit'])}</h3>")
        parts.append(_table(["", *figure["columns"]], rows))
    return parts


def _alarm(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<h2 class="wrong">{escape(title)}</h2><ul>{items}</ul>'


def _workload(workload: Json, reports: Sequence[Json]) -> str:
    one = Workload(workload["name"], workload["files"], workload["bytes"])
    said = "".join(f"<li>{escape(text)}</li>" for text in workload["verdict"])
    plots = [_throughput(workload), _latency(workload), _history(one, reports)]
    return "\n".join(
        [
            f"<h2>{escape(one.name)}: {escape(str(one))}</h2>",
            f"<ul>{said}</ul>",
            f'<div class="plots">{"".join(plots)}</div>',
            _figures(workload["arms"]),
            _bounds(workload["arms"]),
        ]
    )


def _figures(arms: Sequence[Json]) -> str:
    heads = [
        "arm",
        "epoch",
        "run",
        "MiB/s",
        "files/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "nodes busy",
        "moved",
        "what workers counted",
    ]
    rows = []
    every = [(epoch, one) for arm in arms for epoch, one in benchmark_epochs.each(arm)]
    for epoch, arm in every:
        for number, run in enumerate(arm["runs"], 1):
            figures = [f"{run[name]:.1f}" for name in ("mib_s", "files_s", *SHARES) if name in run]
            seen = benchmark_proof.seen(run["counted"])
            seen += f" — {'; '.join(run['wrong'])}" if run["wrong"] else ""
            busy = f"{run['node_busy']:.0%}"
            rows.append(
                [
                    arm["arm"],
                    str(epoch),
                    str(number),
                    *figures,
                    busy,
                    benchmark_result.moved(run),
                    seen,
                ]
            )
    return _table(heads, rows) + "<p>moved: bytes for each byte that readers got</p>"


def _bounds(arms: Sequence[Json]) -> str:
    rows = [[arm["arm"], arm["path"], benchmark_result.proof(arm), arm["bound"]] for arm in arms]
    return _table(["arm", "its path", "", "what bounds it"], rows, all_text=True)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, all_text: bool = False) -> str:
    kind = ' class="text"' if all_text else ""
    head = "".join(f"<th{kind}>{escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(text)}</td>" for text in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>" if heads else f"<table>{body}</table>"


def _throughput(workload: Json) -> str:
    chart = _chart(pygal.Bar, "MiB/s: median, least and most", show_legend=False)
    arms = workload["arms"]
    chart.x_labels = [arm["arm"] for arm in arms]
    # The span of the runs is drawn as what pygal calls a confidence interval.
    values = [
        {"value": arm["mib_s"], "ci": {"low": arm["least_mib_s"], "high": arm["most_mib_s"]}}
        for arm in arms
    ]
    chart.add("MiB/s", values)
    return _drawn(chart)


def _latency(workload: Json) -> str:
    chart = _chart(pygal.Bar, "ms from opening a file to its end", logarithmic=True)
    arms = workload["arms"]
    chart.x_labels = [arm["arm"] for arm in arms]
    for name in SHARES:
        chart.add(name.removesuffix("_ms"), [arm.get(name) for arm in arms])
    return _drawn(chart)


def _history(one: Workload, reports: Sequence[Json]) -> str:
    if len(reports) < 2:
        return ""
    chart = _chart(pygal.Line, "MiB/s, run after run", x_label_rotation=30)
    chart.x_labels = [str(report["made_at"])[:16] for report in reports]
    figures = [benchmark_gate.figures(report) for report in reports]
    keys = [key for key in figures[-1] if key[:3] == (one.name, one.files, one.bytes)]
    for key in keys:
        chart.add(key[3], [found.get(key) for found in figures])
    return _drawn(chart)


def _chart(kind: Any, title: str, **how: Any) -> Any:
    # Without its scripts, which pygal would have the page load from elsewhere.
    return kind(title=title, js=(), width=680, height=480, **how)


def _drawn(chart: Any) -> str:
    return str(chart.render(disable_xml_declaration=True, is_unicode=True))
