{{/* Alluxio's metrics.properties: one section for each sink that is enabled. */}}
{{- define "alluxio.metricsProperties" -}}
{{- $sinks := dict
  "ConsoleSink" (dict "id" "console" "keys" (dict "period" "period" "unit" "unit"))
  "CsvSink" (dict "id" "csv" "keys" (dict "period" "period" "unit" "unit" "directory" "directory"))
  "JmxSink" (dict "id" "jmx" "keys" (dict "domain" "domain"))
  "GraphiteSink" (dict "id" "graphite" "keys" (dict "host" "host" "port" "port" "period" "period" "unit" "unit" "prefix" "prefix"))
  "Slf4jSink" (dict "id" "slf4j" "keys" (dict "period" "period" "unit" "unit" "filterClass" "filter-class" "filterRegex" "filter-regex"))
  "PrometheusMetricsServlet" (dict "id" "prometheus" "keys" dict) -}}
{{- $lines := list -}}
{{- range $name, $sink := $sinks -}}
{{- $values := default dict (index $.Values.metrics $name) -}}
{{- if $values.enabled -}}
{{- $lines = append $lines (printf "sink.%s.class=alluxio.metrics.sink.%s" $sink.id $name) -}}
{{- range $key, $property := $sink.keys -}}
{{- $value := index $values $key -}}
{{- if and (not (kindIs "invalid" $value)) (ne (toString $value) "") -}}
{{- $lines = append $lines (printf "sink.%s.%s=%s" $sink.id $property (include "alluxio.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- join "\n" $lines -}}
{{- end -}}
