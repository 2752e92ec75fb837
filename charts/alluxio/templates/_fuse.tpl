{{/* Charts of 2.8.0 and before say mountPath, later ones mountPoint; both are honoured. */}}
{{- define "alluxio.fuseMountPoint" -}}
{{- default .Values.fuse.mountPoint .Values.fuse.mountPath | trimSuffix "/" -}}
{{- end -}}
