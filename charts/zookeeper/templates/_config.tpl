{{- define "zookeeper.config" -}}
dataDir=/data
clientPort={{ int .Values.ports.client }}
tickTime={{ int .Values.tickTime }}
initLimit={{ int .Values.initLimit }}
syncLimit={{ int .Values.syncLimit }}
# The probes ask ruok and srvr, people and monitors mntr.
4lw.commands.whitelist=ruok,srvr,mntr
admin.enableServer=false
autopurge.snapRetainCount=3
autopurge.purgeInterval=6
{{- range $key, $value := .Values.config }}
{{ $key }}={{ if kindIs "float64" $value }}{{ int64 $value }}{{ else }}{{ $value }}{{ end }}
{{- end }}
{{- if gt (int .Values.replicas) 1 }}
standaloneEnabled=false
# A server's own name may not resolve yet when it starts.
quorumListenOnAllIPs=true
{{- range $ordinal := until (int .Values.replicas) }}
server.{{ add1 $ordinal }}={{ include "zookeeper.server" (dict "root" $ "ordinal" $ordinal) }}:{{ int $.Values.ports.follower }}:{{ int $.Values.ports.election }}
{{- end }}
{{- end }}
{{- end -}}
