"""Check every variable of the inventory before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load

from ansible_collections.alluxops.cache.plugins.module_utils import (
    containerd_secrets,
    datasets,
    host_variables,
    settings_check,
    zookeeper,
)
from ansible_collections.alluxops.cache.plugins.module_utils import settings as rules
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import charts, host_values
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ControllerAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import plain
from ansible_collections.alluxops.cache.plugins.plugin_utils.connection import kubeconfig_path
from ansible_collections.alluxops.cache.plugins.plugin_utils.origins import (
    extra_variables,
    lines_of,
    place_of,
)

GROUPS = ("kube_control", "cache_masters", "cache_workers")
NODE_NAME = "alluxio_node_name"
HOSTS_GROUPS = (*GROUPS, "new_workers")
RESULTS = ("alluxops_helm",)
"""What a role leaves for others: there where one playbook imports several verbs."""


class ActionModule(ControllerAction):
    """Raw variables -> typed values -> cross checks -> chart values; all faults in one error."""

    def act_on_controller(self, options: Options, task_vars: Mapping[str, Any]) -> Result:
        """Raises ManySettingsErrors; returns {settings}."""
        roles = Path(options["roles_path"] or self._roles_path())
        specs = _specs(roles)
        places = {
            name: place_of(value, ignore=str(roles))
            for name, value in task_vars.items()
            if name.startswith((*rules.PREFIXES, *rules.SHARED_PREFIXES))
        }
        # Once for all that reads it: putting a host's variables together takes a while, and hosts may be thousands.
        hostvars = task_vars.get("hostvars")
        members = [host for host in _members(task_vars, HOSTS_GROUPS) if host in (hostvars or ())]
        raw_of = {host: hostvars.raw_get(host) for host in members} if hostvars else {}
        faults = rules.unknown_faults(
            _names(task_vars, raw_of), [*specs, *_internals(roles), *RESULTS], places
        )

        if options["needs_control"]:
            faults += _limit_faults(task_vars)

        raw, template_faults = self._templated(specs, task_vars, places)
        values, type_faults = rules.typed(specs, raw, places)
        faults += template_faults + type_faults
        faults += self._differences(specs, task_vars, raw_of, values, places)
        unread = set(specs) & set(task_vars) - set(values)
        if template_faults or any("{{" in str(specs[name].get("default")) for name in unread):
            # What a value means together with others can be told only once each can be read.
            charts.raise_all(faults)
        for name, spec in specs.items():
            values.setdefault(name, spec.get("default"))

        faults += rules.confirmation_faults(values, extra_variables(self._loader), places)
        settings, world = self._settings(values, task_vars, places, raw_of)
        more = settings_check.cross_faults(settings, world)
        more += _value_faults(
            settings, lines_of(task_vars.get("alluxio_values"), "alluxio_values"), world
        )
        schema = charts.read_chart(roles.parent / "charts" / "zookeeper").schema
        lines = lines_of(task_vars.get(zookeeper.VARIABLE), zookeeper.VARIABLE)
        more += zookeeper.faults(settings, schema, lines)
        more += datasets.read(
            values[datasets.VARIABLE],
            lines_of(task_vars.get(datasets.VARIABLE), datasets.VARIABLE),
        )[1]
        # A variable that is told to be of a wrong type stands at its default here: no second fault for that.
        charts.raise_all(
            faults + [fault for fault in more if not any(name in str(fault) for name in unread)]
        )
        return {
            "settings": plain(settings.as_dict()),
            "places": {name: place for name, place in places.items() if place},
        }

    def _roles_path(self) -> str:
        role = self._task._role  # noqa: SLF001 - no other way to where the roles are
        if role is None:
            raise CacheError("alluxops.cache.settings runs outside a role.", fix="give roles_path.")
        return str(Path(role._role_path).parent)  # noqa: SLF001 - as above

    def _templated(
        self, specs: Mapping[str, Any], task_vars: Mapping[str, Any], places: Mapping[str, str]
    ) -> tuple[dict[str, Any], list[SettingsError]]:
        values: dict[str, Any] = {}
        faults = []
        for name in specs:
            if name not in task_vars:
                continue
            try:
                values[name] = plain(self._templar.template(task_vars[name]))
            except SettingsError as error:
                faults.append(error)
            except Exception as error:  # noqa: BLE001 - whatever a template raises is the user's to see, with its place
                place = places.get(name, "")
                reason = str(error).splitlines()[0]
                faults.append(
                    SettingsError(
                        f"{name} cannot be read{f' ({place})' if place else ''}.",
                        reason,
                        "correct it.",
                    )
                )
        return values, faults

    def _differences(
        self,
        specs: Mapping[str, Mapping[str, Any]],
        task_vars: Mapping[str, Any],
        raw_of: Mapping[str, Mapping[str, Any]],
        values: Mapping[str, Any],
        places: Mapping[str, str],
    ) -> list[SettingsError]:
        """The variables that hosts have differently, and credentials in what any of them has."""
        found = host_values.read(specs, list(raw_of), task_vars, self._templar, raw_of)
        secret = [name for name, spec in specs.items() if spec.get("no_log")]
        cri = containerd_secrets.VARIABLE
        mine = host_variables.Value(values.get(cri), places.get(cri, ""))
        carried = containerd_secrets.faults([*found.get(cri, {}).values(), mine])
        secret += [cri] if carried else []
        control = [str(host) for host in task_vars.get("groups", {}).get("kube_control", [])]
        return [*host_variables.faults(found, control, secret), *carried]

    def _settings(
        self,
        values: dict[str, Any],
        task_vars: Mapping[str, Any],
        places: Mapping[str, str],
        raw_of: Mapping[str, Mapping[str, Any]],
    ) -> tuple[rules.Settings, settings_check.World]:
        values["alluxops_kubeconfig"] = kubeconfig_path(values["alluxops_kubeconfig"] or "")
        chart = self._found(values["alluxio_chart_ref"], task_vars)
        if (
            not values["alluxio_chart_repo_url"]
            and "://" not in values["alluxio_chart_ref"]
            and chart.exists()
        ):
            values["alluxio_chart_ref"] = str(chart)
        files = [str(self._found(name, task_vars)) for name in values["alluxio_values_files"]]
        nodes = {group: self._nodes(group, task_vars, raw_of) for group in GROUPS}
        settings = rules.from_variables(values, files=files, nodes=nodes)
        world = settings_check.World(
            places=places,
            chart_exists=not settings.chart_is_local or chart.exists(),
            chart_has_metadata=not settings.chart_is_local or charts.has_metadata(chart),
            kubeconfig_exists=any(Path(part).is_file() for part in settings.kubeconfig.split(":")),
            helm={name: value for name, value in values.items() if name.startswith("helm_")},
            credentials=values["alluxio_root_ufs_credentials"],
            unread={name: values[name] for name in rules.UNREAD},
        )
        return settings, world

    def _nodes(
        self, group: str, task_vars: Mapping[str, Any], raw_of: Mapping[str, Mapping[str, Any]]
    ) -> list[Any]:
        hosts = [str(host) for host in task_vars.get("groups", {}).get(group, [])]
        if group == "kube_control":
            return hosts
        found = []
        for host in hosts:
            name = str(raw_of.get(host, {}).get(NODE_NAME, host))
            if "{{" in name:
                name = str(task_vars["hostvars"][host][NODE_NAME])
            found.append(rules.Node(host, name))
        return found

    def _found(self, name: str, task_vars: Mapping[str, Any]) -> Path:
        """A path as the user gave it: from the inventory's, the playbook's or the working directory."""
        path = Path(name).expanduser()
        if path.is_absolute():
            return path
        bases = [task_vars.get("inventory_dir"), task_vars.get("playbook_dir"), Path.cwd()]
        candidates = [Path(str(base)) / path for base in bases if base]
        return next((candidate for candidate in candidates if candidate.exists()), candidates[-1])


def _names(task_vars: Mapping[str, Any], raw_of: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Every variable set for any host of the three groups, ours or not."""
    names = set(task_vars)
    for host in _members(task_vars):
        names |= set(raw_of.get(host, ()))
    return names - set(task_vars.get("ansible_facts") or {})


def _limit_faults(task_vars: Mapping[str, Any]) -> list[SettingsError]:
    """A --limit without a host of kube_control: the plays that deploy would be passed over without a word."""
    limit = task_vars.get("ansible_limit")
    control = task_vars.get("groups", {}).get("kube_control", [])
    if not limit or not control or set(control) & set(task_vars["ansible_play_hosts_all"]):
        return []
    return [
        SettingsError(
            f"no host of kube_control is in --limit {limit}.",
            "All that is done to the cluster is done from there, so nothing would be deployed.",
            f"leave --limit out, or add the group: --limit '{limit},kube_control'.",
        )
    ]


def _members(task_vars: Mapping[str, Any], groups: Sequence[str] = GROUPS) -> list[str]:
    """The hosts of these groups, each once, in the inventory's order."""
    found = [str(host) for group in groups for host in task_vars.get("groups", {}).get(group, [])]
    return list(dict.fromkeys(found))


def _specs(roles: Path) -> dict[str, dict[str, Any]]:
    """Every option of every role's argument specs. Roles name public variables again, without their default."""
    specs: dict[str, dict[str, Any]] = {}
    for file in sorted(roles.glob("*/meta/argument_specs.yml")):
        document = yaml_load(file.read_text(encoding="utf-8")) or {}
        for entry in document.get("argument_specs", {}).values():
            for name, spec in (entry.get("options") or {}).items():
                specs[str(name)] = {**specs.get(str(name), {}), **spec}
    return specs


def _internals(roles: Path) -> Iterator[str]:
    """Names in the roles' vars: ours, and set by no user."""
    for file in sorted(roles.glob("*/vars/*.yml")):
        yield from (str(name) for name in yaml_load(file.read_text(encoding="utf-8")) or {})


def _value_faults(
    settings: rules.Settings, lines: dict[Any, str], world: settings_check.World
) -> list[SettingsError]:
    """What is wrong with the chart's values; with the files alone where the chart comes from a repository."""
    if settings.chart_is_local and world.chart_exists and world.chart_has_metadata:
        return charts.compose_checked(settings, charts.read_chart(Path(settings.chart_ref)), lines)[
            2
        ]
    return charts.read_sources(settings, lines)[1]
