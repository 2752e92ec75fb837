{{/* What pods of different roles have in common. */}}

{{/* Where a pod runs and as whom. Takes {root, component}. */}}
{{- define "alluxio.placement" -}}
{{- $root := .root.Values -}}
{{- $component := .component -}}
{{- with default $root.serviceAccount $component.serviceAccount }}
serviceAccountName: {{ . }}
{{- end }}
{{- /* Nothing in these pods talks to the Kubernetes API. */}}
automountServiceAccountToken: false
{{- /* Else Kubernetes would set variables such as ALLUXIO_LOGSERVER_PORT=tcp://..., which Alluxio's launcher reads as its own. */}}
enableServiceLinks: false
{{- with $root.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- if $component.hostNetwork }}
hostNetwork: true
{{- end }}
{{- if $component.hostPID }}
hostPID: true
{{- end }}
{{- if $component.shareProcessNamespace }}
shareProcessNamespace: true
{{- end }}
dnsPolicy: {{ default (ternary "ClusterFirstWithHostNet" "ClusterFirst" (default false $component.hostNetwork)) $component.dnsPolicy }}
{{- with $root.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default $root.priorityClassName $component.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with merge (dict) (default dict $component.nodeSelector) (default dict $root.nodeSelector) }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat (default list $root.tolerations) (default list $component.tolerations) }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $component.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $component.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ int . }}
{{- end }}
{{- end -}}

{{/* Takes the values that hold user, group and fsGroup. */}}
{{- define "alluxio.podSecurity" -}}
securityContext:
  runAsUser: {{ int .user }}
  runAsGroup: {{ int .group }}
  fsGroup: {{ int .fsGroup }}
  {{- if ne (int .user) 0 }}
  runAsNonRoot: true
  {{- end }}
  {{- /* A journal of a million files need not be chowned at each start. */}}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "alluxio.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
{{- end -}}

{{- define "alluxio.privileged" -}}
securityContext:
  {{- /* Only a privileged container may mount FUSE and let the node see the mount. */}}
  privileged: true
{{- end -}}

{{/* Image, addresses, settings. Takes {root, env: [map, ...]}; a later map of env wins over an earlier one. */}}
{{- define "alluxio.process" -}}
image: {{ include "alluxio.image" .root }}
imagePullPolicy: {{ .root.Values.imagePullPolicy }}
envFrom:
  - configMapRef:
      name: {{ include "alluxio.fullname" .root }}-config
env:
  {{- $merged := dict }}
  {{- range .env }}
  {{- range $name, $value := default dict . }}
  {{- $_ := set $merged $name $value }}
  {{- end }}
  {{- end }}
  {{- range $name, $value := $merged }}
  - name: {{ $name }}
    value: {{ include "alluxio.text" $value | quote }}
  {{- end }}
{{- end -}}

{{/* One environment variable from the pod itself. Takes {name, field}. */}}
{{- define "alluxio.fieldEnv" -}}
- name: {{ .name }}
  valueFrom:
    fieldRef:
      fieldPath: {{ .field }}
{{- end -}}

{{- define "alluxio.resources" -}}
{{- with .resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A probe: how it looks is ours, how often and how long is the user's. Takes {handler, numbers, defaults}; handler is YAML. */}}
{{- define "alluxio.probe" -}}
{{ .handler }}
{{- range $name, $value := merge (dict) (default dict .numbers) (default dict .defaults) }}
{{ $name }}: {{ int $value }}
{{- end }}
{{- end -}}

{{- define "alluxio.tcp" -}}
tcpSocket:
  port: {{ . }}
{{- end -}}

{{/* Takes {port, path}. */}}
{{- define "alluxio.http" -}}
httpGet:
  port: {{ .port }}
  path: {{ .path }}
{{- end -}}

{{/* Mounts shared by the containers of a pod. Takes {root, group}; group is the key under secrets and configmaps. */}}
{{- define "alluxio.sharedMounts" -}}
{{- $group := .group -}}
{{- range $kind := list "secrets" "configmaps" }}
{{- $names := index (default dict (index $.root.Values $kind)) $group }}
{{- range $index, $name := keys (default dict $names) | sortAlpha }}
- name: {{ $kind }}-{{ $index }}
  mountPath: /{{ $kind }}/{{ index $names $name }}
  readOnly: true
{{- end }}
{{- end }}
{{- range $index, $mount := .root.Values.mounts }}
- name: mount-{{ $index }}
  mountPath: {{ $mount.path }}
{{- end }}
{{- if .root.Values.metrics.enabled }}
- name: metrics
  mountPath: /config/metrics
  readOnly: true
{{- end }}
{{- end -}}

{{- define "alluxio.sharedVolumes" -}}
{{- $group := .group -}}
{{- range $index, $name := keys (default dict (index (default dict .root.Values.secrets) $group)) | sortAlpha }}
- name: secrets-{{ $index }}
  secret:
    secretName: {{ $name }}
    {{- /* Read through the pod's group; nobody else on the node. */}}
    defaultMode: 0440
{{- end }}
{{- range $index, $name := keys (default dict (index (default dict .root.Values.configmaps) $group)) | sortAlpha }}
- name: configmaps-{{ $index }}
  configMap:
    name: {{ $name }}
{{- end }}
{{- range $index, $mount := .root.Values.mounts }}
- name: mount-{{ $index }}
  persistentVolumeClaim:
    claimName: {{ $mount.name }}
{{- end }}
{{- if .root.Values.metrics.enabled }}
- name: metrics
  configMap:
    name: {{ include "alluxio.fullname" .root }}-metrics
{{- end }}
{{- end -}}

{{/* The directory of the domain socket, where the node's clients find it too. */}}
{{- define "alluxio.domainMount" -}}
{{- if and .Values.shortCircuit.enabled (eq .Values.shortCircuit.policy "uuid") }}
- name: domain
  mountPath: /opt/domain
{{- end }}
{{- end -}}

{{- define "alluxio.domainVolume" -}}
{{- if and .Values.shortCircuit.enabled (eq .Values.shortCircuit.policy "uuid") }}
- name: domain
  {{- if eq .Values.shortCircuit.volumeType "persistentVolumeClaim" }}
  persistentVolumeClaim:
    claimName: {{ include "alluxio.domainClaim" . }}
  {{- else }}
  hostPath:
    path: {{ .Values.shortCircuit.hostPath }}
    {{- /* Made by whoever prepares the node, owned by user and group: the kubelet would make it root's. */}}
    type: Directory
  {{- end }}
{{- end }}
{{- end -}}

{{/* What a client in a pod of its own needs to read from its node's worker without the network. Nothing may be left of it: a client on
     a worker's node goes to the socket whether or not it is there. */}}
{{- define "alluxio.clientMounts" -}}
{{- include "alluxio.domainMount" . }}
{{- if include "alluxio.sharesBlocks" . }}
{{- include "alluxio.tierMounts" . }}
{{- end }}
{{- end -}}

{{- define "alluxio.clientVolumes" -}}
{{- include "alluxio.domainVolume" . }}
{{- if include "alluxio.sharesBlocks" . }}
{{- include "alluxio.tierVolumes" . }}
{{- end }}
{{- end -}}

{{/* Pod annotations. Takes {root, component, digest, port?}; digest is of what the pod's processes read at their start,
     so a changed property restarts those who read it, and nobody else. */}}
{{- define "alluxio.podAnnotations" -}}
{{- $annotations := dict "checksum/config" .digest -}}
{{- if .root.Values.metrics.enabled -}}
{{- $_ := set $annotations "checksum/metrics" (include "alluxio.metricsProperties" .root | sha256sum) -}}
{{- end -}}
{{- $metrics := default dict .root.Values.metrics.podAnnotations -}}
{{- range $key, $value := $metrics -}}
{{- if not (has $key (list "prometheus.io/jobPort" "prometheus.io/workerPort")) -}}
{{- $_ := set $annotations $key $value -}}
{{- end -}}
{{- end -}}
{{- if and (eq (default "" .role) "worker") (hasKey $metrics "prometheus.io/workerPort") -}}
{{- $_ := set $annotations "prometheus.io/port" (index $metrics "prometheus.io/workerPort") -}}
{{- end -}}
{{- range $key, $value := default dict .component.podAnnotations -}}
{{- $_ := set $annotations $key $value -}}
{{- end -}}
{{- range $key, $value := $annotations }}
{{ $key }}: {{ include "alluxio.text" $value | quote }}
{{- end }}
{{- end -}}

{{/* A worker is known by its node's address (clients on the node are then local to it) and reached at its pod's. */}}
{{- define "alluxio.workerAddresses" -}}
{{- include "alluxio.fieldEnv" (dict "name" "ALLUXIO_WORKER_HOSTNAME" "field" "status.hostIP") }}
{{ include "alluxio.fieldEnv" (dict "name" "ALLUXIO_CLIENT_HOSTNAME" "field" "status.hostIP") }}
{{ include "alluxio.fieldEnv" (dict "name" "ALLUXIO_WORKER_CONTAINER_HOSTNAME" "field" "status.podIP") }}
{{- end -}}
