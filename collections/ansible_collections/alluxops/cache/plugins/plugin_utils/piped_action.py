"""Run a module on a host without Ansible's library there: its sources go down the connection, and no file is written.

A module of Ansible is packed with the library, unpacked on the host and imported there, which takes longer than what
most of ours do. Here Python on the host is given the module's source and those of our module_utils, with a small
AnsibleModule (module_utils/piped_module.py). Where that cannot be, Ansible runs the same module in its own way.
"""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as AnsiblesOwn

from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import argument_spec, plain

Result = dict[str, Any]

PLUGINS = Path(__file__).parent.parent
UTILS = "ansible_collections.alluxops.cache.plugins.module_utils"
STAND_IN = "piped_module"

LOADER = f"""
import json, sys, types
if sys.version_info < (3, 9):
    sys.exit("it is older than 3.9; install a newer one and set ansible_python_interpreter for this host.")
sent = json.load(sys.stdin.buffer)
package = sys.modules["{UTILS}"] = types.ModuleType("{UTILS}")
for name, source in sent["utils"]:
    part = types.ModuleType("{UTILS}." + name)
    sys.modules[part.__name__] = part
    exec(compile(source, name + ".py", "exec"), part.__dict__)
    setattr(package, name, part)
package.{STAND_IN}.given.update(sent["given"])
sys.modules["ansible.module_utils.basic"] = package.{STAND_IN}
exec(compile(sent["module"], "module.py", "exec"), sys.modules["__main__"].__dict__)
"""
"""What Python on the host is started with. It reads JSON: `utils` as [name, source], each after what it imports, and
`module` and `given`."""


def sources(module: str) -> dict[str, Any]:
    """A module's source and those of the module_utils that it imports, as LOADER wants them."""
    text = (PLUGINS / "modules" / f"{module}.py").read_text(encoding="utf-8")
    utils: dict[str, str] = {}
    for name in (STAND_IN, *_imported(text)):
        _add(name, utils)
    return {"utils": list(utils.items()), "module": text}


def _add(name: str, utils: dict[str, str]) -> None:
    if name in utils:
        return
    text = (PLUGINS / "module_utils" / f"{name}.py").read_text(encoding="utf-8")
    for other in _imported(text):
        _add(other, utils)
    utils[name] = text


def _imported(source: str) -> list[str]:
    """The module_utils of ours that a source imports."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module == UTILS:
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith(f"{UTILS}."):
            found.append(str(node.module).removeprefix(f"{UTILS}."))
    return found


class PipedAction(AnsiblesOwn):
    """Base for actions of modules that run on every host. A subclass names its module.

    What is the same for all hosts is made when the class is: in the playbook's process, not in each of its workers.
    """

    module: ClassVar[str]
    sources: ClassVar[str]
    spec: ClassVar[dict[str, Any]]

    def __init_subclass__(cls) -> None:
        """Read what is sent, and what may be given."""
        cls.sources = json.dumps(sources(cls.module))
        cls.spec = argument_spec(cls.module)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        """Run the module."""
        python = self.python(task_vars or {})
        if not python:
            result: Result = super().run(tmp, task_vars)
            return result
        result = ActionBase.run(self, tmp, task_vars)
        _, options = self.validate_argument_spec(argument_spec=self.spec)
        options = {name: plain(options[name]) for name in self.spec}
        given = json.dumps({"params": options, "check_mode": bool(self._task.check_mode)})
        command = [*shlex.split(python), "-I", "-S", "-c", LOADER]
        done = self._low_level_execute_command(
            f"{self._compute_environment_string()} {shlex.join(command)}".strip(),
            in_data=f'{self.sources[:-1]}, "given": {given}}}'.encode(),
        )
        return {**result, **answer(done, python), "invocation": {"module_args": options}}

    def python(self, task_vars: Mapping[str, Any]) -> str:
        """The Python of the host; empty where it is not known yet, or where a module has to be a file on the host."""
        if self._task.async_val or self._task.delegate_to or not self._is_pipelining_enabled("new"):
            return ""
        asked = constants.config.get_config_value("INTERPRETER_PYTHON", variables=dict(task_vars))
        found = str(self._templar.template(asked) or "auto")
        if found.startswith("auto"):
            facts = task_vars.get("ansible_facts") or {}
            return str(facts.get("discovered_interpreter_python") or "")
        return found


def answer(done: Mapping[str, Any], python: str) -> Result:
    """The module's result out of what its Python has printed, before which a login may print what it likes."""
    for line in reversed(done["stdout"].splitlines()):
        if line.startswith("{"):
            try:
                result: Result = json.loads(line)
            except ValueError:
                continue
            return result
    said = (done["stderr"] or done["stdout"]).strip()
    return {
        "failed": True,
        "msg": f"{python} has not run the module, exit code {done['rc']}: {said.rpartition(chr(10))[2]}",
        "module_stdout": done["stdout"],
        "module_stderr": done["stderr"],
        "rc": done["rc"],
    }
