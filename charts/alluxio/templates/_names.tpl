{{/* Names and labels. With release "alluxio" every name equals the one of Alluxio's own chart. */}}

{{- define "alluxio.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "alluxio.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride -}}
{{- end -}}

{{/* What selects a workload's pods. Immutable in Kubernetes, so nothing here may change between two versions of the chart.
     Takes {root, role}. */}}
{{- define "alluxio.selector" -}}
app: {{ include "alluxio.name" .root }}
release: {{ .root.Release.Name }}
role: {{ .role }}
{{- end -}}

{{/* Labels of pods and of claim templates: stable over chart upgrades, or each upgrade would restart everything. Takes {root, role}. */}}
{{- define "alluxio.podLabels" -}}
{{ include "alluxio.selector" . }}
heritage: {{ .root.Release.Service }}
{{- end -}}

{{/* Labels of every object. Takes {root, role}; role may be missing. */}}
{{- define "alluxio.labels" -}}
app: {{ include "alluxio.name" .root }}
chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 }}
release: {{ .root.Release.Name }}
heritage: {{ .root.Release.Service }}
{{- with .role }}
role: {{ . }}
{{- end }}
{{- end -}}

{{- define "alluxio.image" -}}
{{ .Values.image }}:{{ include "alluxio.text" (default .Chart.AppVersion .Values.imageTag) }}
{{- end -}}

{{/* The masters' names, comma-separated: <fullname>-master-0,<fullname>-master-1,... Each is a pod and its Service. */}}
{{- define "alluxio.masterNames" -}}
{{- $names := list -}}
{{- range $n := until (int .Values.master.count) -}}
{{- $names = append $names (printf "%s-master-%d" (include "alluxio.fullname" $) $n) -}}
{{- end -}}
{{- join "," $names -}}
{{- end -}}

{{/* How many masters run now: all of them, unless master.running says fewer. */}}
{{- define "alluxio.runningMasters" -}}
{{- $running := .Values.master.running -}}
{{- int (ternary .Values.master.count $running (kindIs "invalid" $running)) -}}
{{- end -}}

{{- define "alluxio.domainClaim" -}}
{{- default (printf "%s-worker-domain-socket" (include "alluxio.fullname" .)) .Values.shortCircuit.pvcName -}}
{{- end -}}

{{- define "alluxio.logserverClaim" -}}
{{- default (printf "%s-logserver-logs" (include "alluxio.fullname" .)) .Values.logserver.pvcName -}}
{{- end -}}
