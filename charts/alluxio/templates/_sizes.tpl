{{/* Numbers and sizes. YAML numbers reach a template as float64, which prints 1073741824 as 1.073741824e+09. */}}

{{/* A scalar as the user wrote it: whole numbers without exponent. */}}
{{- define "alluxio.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* Bytes of a size as Alluxio reads it: every unit is a power of two (1G = 1GB = 1Gi = 1GiB = 2^30), in any case of letters.
     Takes {value, place}; place names the setting in the error. */}}
{{- define "alluxio.bytes" -}}
{{- $text := include "alluxio.text" .value | trim -}}
{{- if not (regexMatch "^(0|[1-9][0-9]*)([.][0-9]+)?([kKmMgGtTpP]([iI]?[bB]|[iI])?|[bB])?$" $text) -}}
{{- fail (printf "\n%s is %q, which Alluxio does not read as a size.\nFix: write bytes, for example 1073741824, or a size such as 512MB, 1G, 1Gi (all powers of two)." .place $text) -}}
{{- end -}}
{{- $number := regexFind "^[0-9]+([.][0-9]+)?" $text -}}
{{- $unit := regexReplaceAll "[ib]" (trimPrefix $number $text | lower) "" -}}
{{- $factor := index (dict "" 1 "k" 1024 "m" 1048576 "g" 1073741824 "t" 1099511627776 "p" 1125899906842624) $unit -}}
{{- if contains "." $number -}}
{{- int64 (floor (mulf (float64 $number) (float64 $factor))) -}}
{{- else -}}
{{- mul (int64 $number) (int64 $factor) -}}
{{- end -}}
{{- end -}}

{{/* Bytes of a size as Kubernetes reads it: 1G is 10^9, 1Gi is 2^30. Takes {value, place}. */}}
{{- define "alluxio.kubernetesBytes" -}}
{{- $text := include "alluxio.text" .value | trim -}}
{{- if not (regexMatch "^[0-9]+([.][0-9]+)?([eE][0-9]+|m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$" $text) -}}
{{- fail (printf "\n%s is %q, which Kubernetes does not read as a size.\nFix: write for example 4Gi." .place $text) -}}
{{- end -}}
{{- $number := regexFind "^[0-9]+([.][0-9]+)?" $text -}}
{{- $unit := trimPrefix $number $text -}}
{{- if regexMatch "^[eE]" $unit -}}
{{- int64 (float64 $text) -}}
{{- else -}}
{{- $factor := index (dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0) $unit -}}
{{- int64 (floor (mulf (float64 $number) $factor)) -}}
{{- end -}}
{{- end -}}

{{/* A component's memory limit in bytes, 0 where it has none. Takes {component, name}. */}}
{{- define "alluxio.memoryLimit" -}}
{{- $limit := dig "limits" "memory" "" (default dict .component.resources) -}}
{{- if $limit -}}
{{- include "alluxio.kubernetesBytes" (dict "value" $limit "place" (printf "%s.resources.limits.memory" .name)) -}}
{{- else -}}
0
{{- end -}}
{{- end -}}
