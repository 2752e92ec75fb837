{{/* Properties, JVM options and environment: no credentials (a ConfigMap hides nothing), nothing a command line would break on,
     nothing that contradicts the setting that Services, probes and volumes are made from. */}}
{{- define "alluxio.refuseOptions" -}}
{{- $errors := list -}}
{{- $components := dict "" .Values "master." .Values.master "jobMaster." .Values.jobMaster "worker." .Values.worker "jobWorker." .Values.jobWorker "proxy." .Values.proxy "fuse." .Values.fuse "logserver." .Values.logserver -}}
{{- /* Of a name. The collection's module_utils/settings.py has the same, and a test holds them against each other. */}}
{{- $credential := "(?i)(access[._-]?key|secret[._-]?(key|access)|account[._-]?key|client[._-]?secret|auth[._-]key$|azure[.]sas[.]|passw|(^|[._-]|session)(token|secret)$)" -}}
{{- $fix := "Fix: put credentials into a Secret, mount it with secrets.master and secrets.worker, and point env at the file, as in master.env: {AWS_CREDENTIAL_PROFILES_FILE: /secrets/ufs/credentials} (likewise worker.env)." -}}
{{- $ownEnv := include "alluxio.ownEnv" . | fromYaml -}}
{{- $owned := include "alluxio.ownedProperties" . | fromYaml -}}
{{- range $prefix, $component := $components -}}
{{- range $key, $value := default dict $component.properties -}}
{{- $place := printf "%sproperties.%s" $prefix $key -}}
{{- $text := include "alluxio.text" $value -}}
{{- if kindIs "invalid" $value -}}{{- /* A null takes a property away. */ -}}
{{- else if regexMatch $credential $key -}}
{{- $errors = append $errors (printf "%s would write a credential into a ConfigMap and onto command lines.\n%s" $place $fix) -}}
{{- else if or (regexMatch "[\\s\"`]" $text) (contains "$(" $text) -}}
{{- $errors = append $errors (printf "%s is %q: a Java option cannot carry blanks, quotes, backquotes or $(.\nFix: write the value without them." $place $text) -}}
{{- else if or (kindIs "map" $value) (kindIs "slice" $value) -}}
{{- $errors = append $errors (printf "%s is a %s: a property is one name with dots and one value.\nFix: quote the name, as in properties: {\"alluxio.user.file.writetype.default\": CACHE_THROUGH}." $place (kindOf $value)) -}}
{{- else if and (hasKey $owned $key) (ne $text (index $owned $key "value" | toString)) -}}
{{- $errors = append $errors (printf "%s is %q, and %s says %q: Services, probes and volumes are made from the latter.\nFix: set %s." $place $text (index $owned $key "setting") (index $owned $key "value" | toString) (index $owned $key "setting")) -}}
{{- end -}}
{{- end -}}
{{- range regexSplit "\\s+" (include "alluxio.jvmOptions" $component.jvmOptions) -1 -}}
{{- $name := trimPrefix "-D" . | splitList "=" | first -}}
{{- if and (hasPrefix "-D" .) (regexMatch $credential $name) -}}
{{- $errors = append $errors (printf "%sjvmOptions: -D%s would write a credential into a ConfigMap and onto command lines.\n%s" $prefix $name $fix) -}}
{{- end -}}
{{- end -}}
{{- if $prefix -}}
{{- range $name, $value := default dict $component.env -}}
{{- if regexMatch $credential $name -}}
{{- $errors = append $errors (printf "%senv.%s would write a credential into the pod's manifest.\n%s" $prefix $name $fix) -}}
{{- else if has $name (index $ownEnv (trimSuffix "." $prefix)) -}}
{{- $errors = append $errors (printf "%senv.%s is the chart's own: it would stand twice in the pod, which Kubernetes refuses or reads either way.\nFix: remove it%s." $prefix $name (ternary ", and set fuse.mountPoint" "" (eq $name "MOUNT_POINT"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end -}}

{{/* Variables that the templates give to a component's containers. */}}
{{- define "alluxio.ownEnv" -}}
master: [ALLUXIO_MASTER_HOSTNAME, ALLUXIO_CLIENT_HOSTNAME]
jobMaster: [ALLUXIO_MASTER_HOSTNAME, ALLUXIO_CLIENT_HOSTNAME]
worker: [ALLUXIO_WORKER_HOSTNAME, ALLUXIO_CLIENT_HOSTNAME, ALLUXIO_WORKER_CONTAINER_HOSTNAME]
jobWorker: [ALLUXIO_WORKER_HOSTNAME, ALLUXIO_CLIENT_HOSTNAME, ALLUXIO_WORKER_CONTAINER_HOSTNAME]
proxy: [ALLUXIO_CLIENT_HOSTNAME]
fuse: [ALLUXIO_CLIENT_HOSTNAME, MOUNT_POINT]
logserver: [ALLUXIO_CLIENT_HOSTNAME]
{{- end -}}

{{/* Properties that follow from another setting: {property: {setting, value}}. */}}
{{- define "alluxio.ownedProperties" -}}
{{- if .Values.master.enabled }}
alluxio.master.hostname: {setting: the release's name, value: {{ ternary (include "alluxio.masterNames" .) "" (eq (int .Values.master.count) 1) | quote }}}
alluxio.master.rpc.port: {setting: master.ports.rpc, value: {{ int .Values.master.ports.rpc | quote }}}
alluxio.master.web.port: {setting: master.ports.web, value: {{ int .Values.master.ports.web | quote }}}
alluxio.master.embedded.journal.port: {setting: master.ports.embedded, value: {{ int .Values.master.ports.embedded | quote }}}
alluxio.master.journal.type: {setting: journal.type, value: {{ .Values.journal.type | quote }}}
alluxio.master.journal.folder: {setting: journal.folder, value: {{ .Values.journal.folder | quote }}}
alluxio.job.master.rpc.port: {setting: jobMaster.ports.rpc, value: {{ int .Values.jobMaster.ports.rpc | quote }}}
alluxio.job.master.web.port: {setting: jobMaster.ports.web, value: {{ int .Values.jobMaster.ports.web | quote }}}
alluxio.job.master.embedded.journal.port: {setting: jobMaster.ports.embedded, value: {{ int .Values.jobMaster.ports.embedded | quote }}}
{{- end }}
alluxio.worker.rpc.port: {setting: worker.ports.rpc, value: {{ int .Values.worker.ports.rpc | quote }}}
alluxio.worker.web.port: {setting: worker.ports.web, value: {{ int .Values.worker.ports.web | quote }}}
alluxio.job.worker.rpc.port: {setting: jobWorker.ports.rpc, value: {{ int .Values.jobWorker.ports.rpc | quote }}}
alluxio.job.worker.web.port: {setting: jobWorker.ports.web, value: {{ int .Values.jobWorker.ports.web | quote }}}
alluxio.proxy.web.port: {setting: proxy.ports.web, value: {{ int .Values.proxy.ports.web | quote }}}
{{- if .Values.worker.enabled }}
{{- $tiers := include "alluxio.tierDefaults" . | fromYaml }}
{{- range $key, $value := $tiers }}
{{- if regexMatch "tieredstore[.](levels|level[0-9]+[.]dirs[.].*)$" $key }}
{{ $key }}: {setting: tieredstore.levels, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
