{{- define "zookeeper.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride -}}
{{- end -}}

{{/* Governs the StatefulSet: makes the servers' names. */}}
{{- define "zookeeper.domain" -}}
{{- include "zookeeper.fullname" . }}-servers
{{- end -}}

{{/* What selects the pods. Immutable in Kubernetes, so nothing here may change between two versions of the chart. */}}
{{- define "zookeeper.selector" -}}
app: zookeeper
release: {{ .Release.Name }}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "zookeeper.labels" -}}
{{ include "zookeeper.selector" . }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
heritage: {{ .Release.Service }}
{{- end -}}

{{/* The image, with the chart's version where it names none: a tag or a digest in `image` counts. */}}
{{- define "zookeeper.image" -}}
{{- if regexMatch "(@[^/]+|:[^/]+)$" .Values.image -}}
{{- .Values.image -}}
{{- else -}}
{{- printf "%s:%s" .Values.image (default .Chart.AppVersion (toString .Values.imageTag)) -}}
{{- end -}}
{{- end -}}

{{/* The name of a server. Takes {root, ordinal}. It is whole but for the cluster's domain, so that it is found
     from any namespace. */}}
{{- define "zookeeper.server" -}}
{{- printf "%s-%d.%s.%s.svc" (include "zookeeper.fullname" .root) (int .ordinal) (include "zookeeper.domain" .root) .root.Release.Namespace -}}
{{- end -}}

{{/* Settings that cannot work, each with its fix. */}}
{{- define "zookeeper.refuse" -}}
{{- $replicas := int .Values.replicas -}}
{{- if eq (mod $replicas 2) 0 -}}
{{- fail (printf "\n\nreplicas is %d: %d servers bear the loss of no more of them than %d would.\nFix: set an odd number, 3 or 5.\n" $replicas $replicas (sub $replicas 1)) -}}
{{- end -}}
{{- if gt (len (include "zookeeper.fullname" .)) 52 -}}
{{- fail (printf "\n\nThe name %q has %d characters: with it a server's name would not fit into a label.\nFix: at most 52 characters.\n" (include "zookeeper.fullname" .) (len (include "zookeeper.fullname" .))) -}}
{{- end -}}
{{- range $key, $value := .Values.config -}}
{{- if or (has $key (list "dataDir" "dataLogDir" "clientPort" "tickTime" "initLimit" "syncLimit" "4lw.commands.whitelist" "quorumListenOnAllIPs" "standaloneEnabled" "dynamicConfigFile")) (hasPrefix "server." $key) -}}
{{- fail (printf "\n\nconfig.%s is set: the chart sets it.\nFix: remove it; replicas, ports, tickTime, initLimit and syncLimit are settings of their own.\n" $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
