"""Charts and values files on the controller: read them, pack them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import yaml
from ansible.module_utils.common.yaml import yaml_load

from ansible_collections.alluxops.cache.plugins.module_utils import values_check, values_files
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    CacheError,
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings
from ansible_collections.alluxops.cache.plugins.module_utils.values import (
    Chart,
    Values,
    chart_from,
    compose,
)
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Source
from ansible_collections.alluxops.cache.plugins.plugin_utils.origins import shown

MOST_BYTES = 8 * 1024**2


def has_metadata(path: Path) -> bool:
    """Whether a path is a chart: a directory with Chart.yaml, or an archive of one."""
    try:
        return bool(_member(path, "Chart.yaml"))
    except (OSError, tarfile.TarError):
        return False


def read_chart(path: Path) -> Chart:
    """Name, version, family and default values of a chart directory or archive. Raises SettingsError."""
    try:
        metadata = yaml_load(_member(path, "Chart.yaml")) or {}
        defaults = yaml_load(_member(path, "values.yaml")) or {}
        schema = json.loads(_member(path, "values.schema.json") or "{}")
    except (OSError, tarfile.TarError, yaml.YAMLError, ValueError) as error:
        raise SettingsError(
            f"the chart {path} cannot be read.", f"{error}", "correct alluxio_chart_ref."
        ) from error
    return chart_from(metadata, defaults, schema)


def _member(path: Path, name: str) -> str:
    if path.is_dir():
        file = path / name
        return file.read_text(encoding="utf-8") if file.is_file() else ""
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name.count("/") == 1 and member.name.endswith(f"/{name}"):
                content = archive.extractfile(member)
                return content.read().decode() if content is not None else ""
    return ""


def packed(path: Path) -> bytes:
    """The chart as a tar.gz with one top directory, the same bytes for the same files. An archive is taken as it is."""
    if not path.is_dir():
        return path.read_bytes()
    found = (file for file in path.rglob("*") if file.is_file())
    return packed_files({str(file.relative_to(path)): file.read_bytes() for file in found}, path)


def packed_files(files: Mapping[str, bytes], source: object) -> bytes:
    """The same of a chart's files, by their names below its directory. source: where it comes from, for an error."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"chart/{name}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    whole = gzip.compress(plain.getvalue(), mtime=0)
    if len(whole) > MOST_BYTES:
        raise CacheError(
            f"the chart {source} packs to {len(whole)} bytes.",
            f"At most {MOST_BYTES} are sent to kube_control.",
            "name the chart's own directory, or give a packaged chart's repository as alluxio_chart_ref.",
        )
    return whole


def read_sources(
    settings: Settings, lines: Mapping[tuple[str | int, ...], str]
) -> tuple[list[Source], list[SettingsError]]:
    """The user's values files and alluxio_values. lines: places of what stands in alluxio_values."""
    sources: list[Source] = []
    faults: list[SettingsError] = []
    for name in settings.values_files:
        path = Path(name)
        try:
            sources.append(values_files.read(path.read_text(encoding="utf-8"), shown(path)))
        except SettingsError as error:
            faults.append(error)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            cause = f"alluxio_values_files lists it: {reason}."
            what = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
            faults.append(
                SettingsError(
                    f"the values file {shown(path)} {what}.",
                    cause,
                    "correct the path, or remove it.",
                )
            )
    if settings.values:
        sources.append(Source("alluxio_values", settings.values, lines))
    return sources, faults


def compose_checked(
    settings: Settings, chart: Chart, lines: Mapping[tuple[str | int, ...], str]
) -> tuple[Values, list[Source], list[SettingsError]]:
    """The final values with all that is wrong with them."""
    sources, faults = read_sources(settings, lines)
    final = compose(settings, chart, sources)
    return final, sources, faults + values_check.faults(settings, chart, sources, final)


def raise_all(faults: list[SettingsError]) -> None:
    """Raise what was found, if anything was."""
    if faults:
        raise ManySettingsErrors(faults)
