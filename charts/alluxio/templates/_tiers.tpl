{{/* The worker's storage tiers. A level may hold several directories: mediumtype, path, name and quota are then comma-separated.
     Prints a JSON object {dirs: [{level, index, medium, path, quota, type, claim, volume}]}; quota in bytes. */}}
{{- define "alluxio.tiers" -}}
{{- $dirs := list -}}
{{- range $position, $tier := (default dict .Values.tieredstore).levels -}}
{{- $level := int (ternary $tier.level $position (hasKey $tier "level")) -}}
{{- $place := printf "tieredstore.levels[%d]" $position -}}
{{- $media := splitList "," (toString $tier.mediumtype) -}}
{{- $paths := splitList "," (toString $tier.path) -}}
{{- $quotas := splitList "," (include "alluxio.text" $tier.quota) -}}
{{- $claims := splitList "," (default "" $tier.name) -}}
{{- range $other, $parts := dict "path" $paths "quota" $quotas -}}
{{- if ne (len $parts) (len $media) -}}
{{- fail (printf "\n%s: mediumtype %q names %d directories and %s names %d.\nFix: give each comma-separated list the same length." $place $tier.mediumtype (len $media) $other (len $parts)) -}}
{{- end -}}
{{- end -}}
{{- range $index, $medium := $media -}}
{{- $claim := "" -}}
{{- if eq $tier.type "persistentVolumeClaim" -}}
{{- if or (ne (len $claims) (len $media)) (not (index $claims $index | trim)) -}}
{{- fail (printf "\n%s has type persistentVolumeClaim, and name does not give a claim for each directory.\nFix: name the PersistentVolumeClaims, comma-separated, as in name: alluxio-ssd." $place) -}}
{{- end -}}
{{- $claim = index $claims $index | trim -}}
{{- end -}}
{{- $quota := include "alluxio.bytes" (dict "value" (index $quotas $index) "place" (printf "%s.quota" $place)) -}}
{{- $dirs = append $dirs (dict "level" $level "index" $index "medium" (trim $medium) "path" (index $paths $index | trim) "quota" (int64 $quota) "type" $tier.type "claim" $claim "volume" (printf "tier%d-%d" $level $index)) -}}
{{- end -}}
{{- end -}}
{{- dict "dirs" $dirs | toJson -}}
{{- end -}}

{{/* Bytes of the tiers that live in the worker's memory: emptyDir tmpfs, or the host's shm, both charged to the pod that writes. */}}
{{- define "alluxio.memoryQuota" -}}
{{- $sum := int64 0 -}}
{{- range (include "alluxio.tiers" . | fromJson).dirs -}}
{{- if eq .medium "MEM" -}}
{{- $sum = add $sum (int64 .quota) -}}
{{- end -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{- define "alluxio.tierMounts" -}}
{{- range (include "alluxio.tiers" . | fromJson).dirs }}
- name: {{ .volume }}
  mountPath: {{ .path }}
{{- end }}
{{- end -}}

{{- define "alluxio.tierVolumes" -}}
{{- range (include "alluxio.tiers" . | fromJson).dirs }}
- name: {{ .volume }}
  {{- if eq .type "emptyDir" }}
  emptyDir:
    {{- /* Memory only for a MEM tier: an SSD tier in emptyDir is the node's disk. */}}
    {{- if eq .medium "MEM" }}
    medium: Memory
    {{- end }}
    sizeLimit: {{ int64 .quota | quote }}
  {{- else if eq .type "hostPath" }}
  hostPath:
    path: {{ .path }}
    {{- /* Never created by the kubelet: it would belong to root, and a disk that is not mounted would go unnoticed. */}}
    type: Directory
  {{- else }}
  persistentVolumeClaim:
    claimName: {{ .claim }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* "true" where clients in pods of their own open the workers' block files: policy local, and every tier a directory of the node or a
     claim. An emptyDir is its own pod's. */}}
{{- define "alluxio.sharesBlocks" -}}
{{- $shares := and .Values.shortCircuit.enabled (eq .Values.shortCircuit.policy "local") -}}
{{- range (include "alluxio.tiers" . | fromJson).dirs -}}
{{- if eq .type "emptyDir" -}}
{{- $shares = false -}}
{{- end -}}
{{- end -}}
{{- if $shares -}}
true
{{- end -}}
{{- end -}}
