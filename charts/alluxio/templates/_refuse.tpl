{{/* Settings that cannot work, found before anything reaches the cluster: all of them in one error, each with its fix.
     A rule here has its twin in the collection's module_utils/refuse*.py, which preflight runs. */}}
{{- define "alluxio.refuse" -}}
{{- $errors := concat
  (include "alluxio.refuseForeign" . | fromJsonArray)
  (include "alluxio.refuseMasters" . | fromJsonArray)
  (include "alluxio.refuseChangedMasters" . | fromJsonArray)
  (include "alluxio.refuseChangedEnsemble" . | fromJsonArray)
  (include "alluxio.refuseJournal" . | fromJsonArray)
  (include "alluxio.refuseWorkers" . | fromJsonArray)
  (include "alluxio.refuseFuse" . | fromJsonArray)
  (include "alluxio.refuseOptions" . | fromJsonArray)
  (include "alluxio.refuseBackup" . | fromJsonArray) -}}
{{- if $errors -}}
{{- fail (printf "\n\n%s\n" (join "\n\n" $errors)) -}}
{{- end -}}
{{- end -}}

{{/* What is no setting of this chart, or of a part that it leaves out. */}}
{{- define "alluxio.refuseForeign" -}}
{{- $errors := list -}}
{{- range list "apiVersion" "kind" "metadata" "spec" "data" -}}
{{- if hasKey $.Values . -}}
{{- $errors = append $errors (printf "%s at the top of the values: a Kubernetes manifest was given as a values file.\nFix: leave that file out, and write Alluxio's settings under properties." .) -}}
{{- end -}}
{{- end -}}
{{- if hasKey .Values "alluxio" -}}
{{- $errors = append $errors "alluxio at the top of the values (as by --set alluxio.zookeeper.enabled=true) is no setting: names with dots are Alluxio's properties.\nFix: write properties: {alluxio.zookeeper.enabled: \"true\"}, or --set properties.alluxio\\\\.zookeeper\\\\.enabled=true." -}}
{{- end -}}
{{- $csi := default dict .Values.csi -}}
{{- if or $csi.enabled $csi.clientEnabled -}}
{{- $errors = append $errors "csi.enabled is true: this chart has no CSI driver.\nFix: set csi.enabled and csi.clientEnabled to false; fuse.enabled mounts the cache on every node, where pods reach it by hostPath." -}}
{{- end -}}
{{- if (default dict .Values.hub).enabled -}}
{{- $errors = append $errors "hub.enabled is true: Alluxio Hub is not part of 2.8 and 2.9.\nFix: leave hub out." -}}
{{- end -}}
{{- if .Values.worker.fuseEnabled -}}
{{- $errors = append $errors "worker.fuseEnabled is true: it would run every worker as privileged root.\nFix: set fuse.enabled, which mounts the cache from a pod of its own." -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end -}}

{{- define "alluxio.refuseMasters" -}}
{{- $errors := list -}}
{{- $count := int .Values.master.count -}}
{{- $embedded := eq .Values.journal.type "EMBEDDED" -}}
{{- $zookeeper := include "alluxio.zookeeper" . -}}
{{- $fullname := include "alluxio.fullname" . -}}
{{- if gt (len $fullname) 42 -}}
{{- $errors = append $errors (printf "The release's name %q has %d characters: with it a master's name would not fit into a label.\nFix: at most 42 characters." $fullname (len $fullname)) -}}
{{- end -}}
{{- if .Values.master.enabled -}}
{{- if gt (int (default 1 .Values.master.replicas)) 1 -}}
{{- $number := has (int .Values.master.replicas) (list 3 5) | ternary (toString (int .Values.master.replicas)) "3 (or 5)" -}}
{{- $errors = append $errors (printf "master.replicas is %d: the number of masters is master.count.\nFix: set master.count to %s and leave master.replicas out." (int .Values.master.replicas) $number) -}}
{{- end -}}
{{- if gt (int (include "alluxio.runningMasters" .)) $count -}}
{{- $errors = append $errors (printf "master.running is %s and master.count is %d: a master that the others do not know cannot take part.\nFix: set master.count to the number of masters, and leave master.running out." (include "alluxio.runningMasters" .) $count) -}}
{{- end -}}
{{- $words := splitList " " (join " " .Values.master.args) -}}
{{- if and (or (has "master" $words) (has "master-only" $words)) (not (has "--no-format" $words)) -}}
{{- $errors = append $errors (printf "master.args is %v, without --no-format: the image's entry point would format the journal at every start of a master.\nFix: leave master.args out, or add --no-format." .Values.master.args) -}}
{{- end -}}
{{- if and $embedded $zookeeper -}}
{{- $errors = append $errors "journal.type is EMBEDDED and alluxio.zookeeper.enabled is true: masters elect their leader either way, not both.\nFix: remove the ZooKeeper properties, or set journal.type: UFS with a journal that all masters share." -}}
{{- end -}}
{{- if and $embedded (eq (mod $count 2) 0) -}}
{{- $errors = append $errors (printf "master.count is %d: %d masters bear the loss of no more of them than %d would.\nFix: set an odd number, 3 or 5." $count $count (sub $count 1)) -}}
{{- end -}}
{{- if and (gt $count 1) (not $embedded) (not $zookeeper) -}}
{{- $errors = append $errors (printf "master.count is %d and journal.type is UFS: each master would lead a cache of its own.\nFix: set journal.type: EMBEDDED, or elect the leader with properties {alluxio.zookeeper.enabled: \"true\", alluxio.zookeeper.address: \"host:2181\"} over a journal that all masters share." $count) -}}
{{- end -}}
{{- else -}}
{{- $known := false -}}
{{- range list "alluxio.master.hostname" "alluxio.master.rpc.addresses" "alluxio.master.embedded.journal.addresses" "alluxio.zookeeper.address" -}}
{{- if hasKey (default dict $.Values.properties) . -}}{{- $known = true -}}{{- end -}}
{{- end -}}
{{- if not $known -}}
{{- $errors = append $errors "master.enabled is false and nothing says where the master is.\nFix: give properties alluxio.master.hostname or alluxio.master.rpc.addresses." -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end -}}

{{/* What an upgrade would do to masters that run: new ones start with empty journals, and two of them can elect one that
     knows nothing. master.running says that somebody brings them in one by one. Its twin is cluster_checks.py. */}}
{{- define "alluxio.refuseChangedMasters" -}}
{{- $errors := list -}}
{{- if and .Release.IsUpgrade .Values.master.enabled (kindIs "invalid" .Values.master.running) -}}
{{- $runs := include "alluxio.running" . | fromJson -}}
{{- $running := int $runs.masters -}}
{{- $count := int .Values.master.count -}}
{{- $config := $runs.config -}}
{{- $type := ternary "EMBEDDED" "UFS" (contains "-Dalluxio.master.journal.type=EMBEDDED" (toJson $config)) -}}
{{- $share := and (include "alluxio.zookeeper" .) $runs.ensemble.enabled -}}
{{- if and (gt $running 0) (ne $running $count) (not $share) -}}
{{- $errors = append $errors (printf "master.count is %d and %d run: masters that come or go all at once can elect one that knows nothing of the journal.\nFix: `alluxops scale-masters` changes their number, one by one; leave master.count at %d." $count $running $running) -}}
{{- end -}}
{{- if and (gt $running 0) $config (ne $type .Values.journal.type) -}}
{{- $errors = append $errors (printf "journal.type is %s and the running masters have a journal of type %s: they would start on an empty one.\nFix: `alluxops scale-masters` takes the metadata along; leave journal.type at %s." .Values.journal.type $type $type) -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end -}}

{{- define "alluxio.refuseJournal" -}}
{{- $errors := list -}}
{{- $journal := .Values.journal -}}
{{- $format := (default dict $journal.format).runFormat -}}
{{- $remote := and (eq $journal.type "UFS") (eq $journal.ufsType "HDFS") -}}
{{- if .Values.master.enabled -}}
{{- if and $remote $format -}}
{{- $errors = append $errors "journal.format.runFormat is true with journal.ufsType HDFS: whether that journal is empty cannot be seen from here, and formatting it would erase it.\nFix: set it to false and run `alluxio formatJournal` once, by hand, for a new journal." -}}
{{- end -}}
{{- if and $remote (hasPrefix "/" $journal.folder) -}}
{{- $errors = append $errors (printf "journal.ufsType is HDFS and journal.folder is %q, a local directory.\nFix: give its address, hdfs://host:port/journal." $journal.folder) -}}
{{- end -}}
{{- if and (not $remote) (not (hasPrefix "/" $journal.folder)) -}}
{{- $errors = append $errors (printf "journal.folder is %q: the journal's volume is mounted there, so it must be an absolute path.\nFix: write /journal; for a journal in HDFS set journal.ufsType: HDFS as well." $journal.folder) -}}
{{- end -}}
{{- if and (eq $journal.type "UFS") (not $remote) (eq $journal.volumeType "emptyDir") (not $format) -}}
{{- $errors = append $errors "journal.volumeType is emptyDir and journal.format.runFormat is false: the journal is new with every pod, and a master does not start on an unformatted one.\nFix: set journal.format.runFormat: true (it formats empty journals only), or use a persistentVolumeClaim: an emptyDir loses all metadata with its pod." -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end -}}

{{- define "alluxio.refuseWorkers" -}}
{{- $errors := list -}}
{{- if .Values.worker.enabled -}}
{{- range $position, $tier := .Values.tieredstore.levels -}}
{{- if and (hasKey $tier "level") (ne (int $tier.level) $position) -}}
{{- $errors = append $errors (printf "tieredstore.levels[%d] has level %d.\nFix: list the levels in order, from level 0 without a gap." $position (int $tier.level)) -}}
{{- end -}}
{{- end -}}
{{- $quota := int64 (include "alluxio.memoryQuota" .) -}}
{{- $limit := int64 (include "alluxio.memoryLimit" (dict "component" .Values.worker "name" "worker")) -}}
{{- if and (gt $limit 0) (ge $quota $limit) -}}
{{- $errors = append $errors (printf "The memory tiers under tieredstore.levels hold %d bytes and worker.resources.limits.memory is %d bytes: cached blocks count towards the limit, so the worker would be killed.\nFix: set the limit to the quota plus what the worker's JVM takes, at least %d, or a smaller quota." $quota $limit (add $quota 1073741824)) -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end -}}

{{- define "alluxio.refuseFuse" -}}
{{- $errors := list -}}
{{- $fuse := .Values.fuse -}}
{{- if $fuse.enabled -}}
{{- $point := include "alluxio.fuseMountPoint" . -}}
{{- if and $fuse.mountPath (not (has $fuse.mountPoint (list $fuse.mountPath "/mnt/alluxio-fuse"))) -}}
{{- $errors = append $errors (printf "fuse.mountPath is %q and fuse.mountPoint is %q: two names of one setting.\nFix: keep fuse.mountPoint." $fuse.mountPath $fuse.mountPoint) -}}
{{- end -}}
{{- if or (not (regexMatch "^/[^/]+/.*[^/]$" $point)) (regexMatch "[\\s'\"]" $point) -}}
{{- $errors = append $errors (printf "fuse.mountPoint is %q: the directory above it is mounted into the pod, so it must lie at least two levels deep, without blanks.\nFix: for example /mnt/alluxio-fuse." $point) -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end -}}

{{/* A backup that would end with what it is a backup of. */}}
{{- define "alluxio.refuseBackup" -}}
{{- $errors := list -}}
{{- if .Values.backup.schedule -}}
{{- if not .Values.master.enabled -}}
{{- $errors = append $errors "backup.schedule is set and master.enabled is false: the masters' own release makes their backups.\nFix: set backup.schedule there." -}}
{{- end -}}
{{- $root := default "" (index .Values.properties "alluxio.master.mount.table.root.ufs") | toString -}}
{{- if or (not $root) (hasPrefix "/opt/alluxio/" $root) -}}
{{- $errors = append $errors "backup.schedule is set and the root under store lies in the pods: the backups would end with them.\nFix: set properties {alluxio.master.mount.table.root.ufs: \"s3://bucket/\"}, or leave backup.schedule empty." -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end -}}
