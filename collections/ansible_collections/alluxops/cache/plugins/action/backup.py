"""Make a backup of the cache's metadata."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils import backup
from ansible_collections.alluxops.cache.plugins.plugin_utils import backups
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube


class ActionModule(ApiAction):
    """alluxops.cache.backup."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Each run makes a new backup: it is changed by nature."""
        namespace, release, to = options["namespace"], options["release"], options["to"]
        backups.refuse_while_restoring(kube, namespace, release)
        if self.check_mode:
            where = backups.plan(kube, namespace, release, to=to)
            kept = f", {options['keep']} would stay" if options["keep"] else ""
            return {
                "changed": True,
                "backup": None,
                "summary": f"a backup would be made in {where}{kept}",
                "diff": {"before": "", "after": f"{where}alluxio-backup-DATE-MILLISECONDS.gz\n"},
            }
        made = backups.take(
            kube,
            namespace,
            release,
            to=to,
            keep=options["keep"],
            patience=Patience(options["wait_timeout_s"]),
        )
        gone = "".join(f"{name}\n" for name in made.pruned)
        return {
            "changed": True,
            "backup": made.as_dict(),
            "summary": backup.summary(made.as_dict()),
            "diff": {"before": gone, "after": f"{made.name}\n"},
        }
