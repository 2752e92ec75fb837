{{/* The chart's own properties, as YAML maps of strings; the user's properties override each one. */}}

{{/* "true" where the masters elect their leader through ZooKeeper. */}}
{{- define "alluxio.zookeeper" -}}
{{- $properties := merge (dict) (default dict .Values.master.properties) (default dict .Values.properties) -}}
{{- if hasKey $properties "alluxio.zookeeper.enabled" -}}
{{- if eq (index $properties "alluxio.zookeeper.enabled" | toString | lower) "true" -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" where the masters are told to start from a backup, as a restore does until it has ended. */}}
{{- define "alluxio.restores" -}}
{{- $properties := merge (dict) (default dict .Values.master.properties) (default dict .Values.properties) -}}
{{- if hasKey $properties "alluxio.master.journal.init.from.backup" -}}
true
{{- end -}}
{{- end -}}

{{/* host:port of each master. Takes {root, port}. */}}
{{- define "alluxio.masterAddresses" -}}
{{- $addresses := list -}}
{{- range splitList "," (include "alluxio.masterNames" .root) -}}
{{- $addresses = append $addresses (printf "%s:%d" . (int $.port)) -}}
{{- end -}}
{{- join "," $addresses -}}
{{- end -}}

{{- define "alluxio.siteDefaults" -}}
{{- $master := .Values.master -}}
{{- $jobMaster := .Values.jobMaster -}}
{{- if $master.enabled }}
{{- if eq (int $master.count) 1 }}
alluxio.master.hostname: {{ include "alluxio.masterNames" . }}
{{- end }}
{{- if eq .Values.journal.type "EMBEDDED" }}
alluxio.master.embedded.journal.addresses: {{ include "alluxio.masterAddresses" (dict "root" . "port" $master.ports.embedded) }}
alluxio.master.embedded.journal.port: {{ int $master.ports.embedded | quote }}
alluxio.job.master.embedded.journal.addresses: {{ include "alluxio.masterAddresses" (dict "root" . "port" $jobMaster.ports.embedded) }}
alluxio.job.master.embedded.journal.port: {{ int $jobMaster.ports.embedded | quote }}
{{- else if and (eq (int $master.count) 1) (not (include "alluxio.zookeeper" .)) }}
# How long a new primary waits for an old one to stop writing. There is no old one: a StatefulSet makes pod 0 again only after
# the one before it is gone, and nobody else has the journal. With several masters it is longer, below.
alluxio.master.journal.tailer.shutdown.quiet.wait.time: 200ms
{{- else if include "alluxio.zookeeper" . }}
# A leader that lost the ensemble may write for up to two thirds of a session more; its successor has to wait for longer than that. Alluxio's
# own times (60 s and 5 s) do not.
alluxio.zookeeper.session.timeout: 4s
alluxio.zookeeper.connection.timeout: 3s
alluxio.master.journal.tailer.shutdown.quiet.wait.time: 3500ms
{{- end }}
{{- end }}
alluxio.master.journal.type: {{ .Values.journal.type }}
alluxio.master.journal.folder: {{ .Values.journal.folder }}
alluxio.master.rpc.port: {{ int $master.ports.rpc | quote }}
alluxio.master.web.port: {{ int $master.ports.web | quote }}
alluxio.job.master.rpc.port: {{ int $jobMaster.ports.rpc | quote }}
alluxio.job.master.web.port: {{ int $jobMaster.ports.web | quote }}
alluxio.worker.rpc.port: {{ int .Values.worker.ports.rpc | quote }}
alluxio.worker.web.port: {{ int .Values.worker.ports.web | quote }}
alluxio.job.worker.rpc.port: {{ int .Values.jobWorker.ports.rpc | quote }}
alluxio.job.worker.data.port: {{ int .Values.jobWorker.ports.data | quote }}
alluxio.job.worker.web.port: {{ int .Values.jobWorker.ports.web | quote }}
alluxio.proxy.web.port: {{ int .Values.proxy.ports.web | quote }}
# No call home: without this a master asks an outside server for news, and the cloud's metadata address who it is.
alluxio.master.update.check.enabled: "false"
{{- if not .Values.shortCircuit.enabled }}
alluxio.user.short.circuit.enabled: "false"
{{- end }}
{{- if .Values.metrics.enabled }}
alluxio.metrics.conf.file: /config/metrics/metrics.properties
{{- end }}
{{- if .Values.logserver.enabled }}
alluxio.logserver.hostname: {{ include "alluxio.fullname" . }}-logserver
alluxio.logserver.port: {{ int .Values.logserver.ports.logging | quote }}
{{- end }}
{{- end -}}

{{/* Where the domain socket of the node's worker is, for the worker and for its clients in our pods. */}}
{{- define "alluxio.domainDefaults" -}}
{{- if and .Values.shortCircuit.enabled (eq .Values.shortCircuit.policy "uuid") -}}
alluxio.worker.data.server.domain.socket.address: /opt/domain
alluxio.worker.data.server.domain.socket.as.uuid: "true"
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{/* The same for clients in pods of their own, which open block files only where these lie on the node. */}}
{{- define "alluxio.clientDefaults" -}}
{{- if and .Values.shortCircuit.enabled (eq .Values.shortCircuit.policy "local") (not (include "alluxio.sharesBlocks" .)) -}}
# Else a client would look for the worker's files in its own pod, miss them, and take the worker for a failed one.
alluxio.user.short.circuit.enabled: "false"
{{- else -}}
{{- include "alluxio.domainDefaults" . -}}
{{- end -}}
{{- end -}}

{{- define "alluxio.tierDefaults" -}}
{{- $dirs := (include "alluxio.tiers" . | fromJson).dirs -}}
alluxio.worker.tieredstore.levels: {{ len .Values.tieredstore.levels | quote }}
# Alluxio falls back on this where a level has no quota of its own; it is the memory tier's size and nothing else.
alluxio.worker.ramdisk.size: {{ include "alluxio.memoryQuota" . | quote }}
{{- range $position, $tier := .Values.tieredstore.levels }}
{{- $level := int (ternary $tier.level $position (hasKey $tier "level")) }}
{{- $media := list }}
{{- $paths := list }}
{{- $quotas := list }}
{{- range $dirs }}
{{- if eq (int .level) $level }}
{{- $media = append $media .medium }}
{{- $paths = append $paths .path }}
{{- $quotas = append $quotas (int64 .quota | toString) }}
{{- end }}
{{- end }}
{{- $key := printf "alluxio.worker.tieredstore.level%d" $level }}
{{ $key }}.alias: {{ default (first $media) $tier.alias | splitList "," | first }}
{{ $key }}.dirs.mediumtype: {{ join "," $media | quote }}
{{ $key }}.dirs.path: {{ join "," $paths | quote }}
{{ $key }}.dirs.quota: {{ join "," $quotas | quote }}
{{- with $tier.high }}
{{ $key }}.watermark.high.ratio: {{ . | quote }}
{{- end }}
{{- with $tier.low }}
{{ $key }}.watermark.low.ratio: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}
