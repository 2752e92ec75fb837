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
        """Each run makes a new backup: it is changed by nature.

        One of what may be another journal lies apart, so that `latest` does not mean it, and pushes out none.
        """
        namespace, release, to = options["namespace"], options["release"], options["to"]
        doubt = backups.doubt(backups.refuse_while_restoring(kube, namespace, release))
        warnings = [backup.doubted(doubt)] if doubt else []
        if self.check_mode:
            where = backups.plan(kube, namespace, release, to=to, kept=bool(doubt))
            keep = options["keep"]
            kept = f"; of more than {keep} there, the oldest would go" if keep and not doubt else ""
            return {
                "changed": True,
                "warnings": warnings,
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
            kept=bool(doubt),
            removes=not doubt,
            patience=Patience(options["wait_timeout_s"]),
        )
        gone = "".join(f"{name}\n" for name in made.pruned)
        return {
            "changed": True,
            "warnings": warnings,
            "backup": made.as_dict(),
            "summary": backup.summary(made.as_dict()),
            "diff": {"before": gone, "after": f"{made.name}\n"},
        }
