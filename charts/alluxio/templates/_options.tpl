{{/* Java options of each process. They reach a process as ALLUXIO_<ROLE>_JAVA_OPTS: what all share first, then the role's own, where the last one wins.
     A ${NAME} in them is literal here: the image's launcher puts the pod's own address in its place. */}}

{{/* Properties as -D options, sorted. Takes {defaults, common, own}: the chart's defaults give way to the user's common and own properties. */}}
{{- define "alluxio.properties" -}}
{{- $merged := dict -}}
{{- range $key, $value := .defaults -}}
{{- if not (hasKey $.common $key) -}}
{{- $_ := set $merged $key $value -}}
{{- end -}}
{{- end -}}
{{- range $key, $value := .own -}}
{{- $_ := set $merged $key $value -}}
{{- end -}}
{{- $options := list -}}
{{- range $key, $value := $merged -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $options = append $options (printf "-D%s=%s" $key (include "alluxio.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- join " " $options -}}
{{- end -}}

{{/* jvmOptions is a list, or one string as in old values files. */}}
{{- define "alluxio.jvmOptions" -}}
{{- if kindIs "slice" . -}}
{{- join " " . | trim -}}
{{- else -}}
{{- default "" . | trim -}}
{{- end -}}
{{- end -}}

{{/* Heap (and direct memory) as shares of the container's memory limit less what the cached blocks take, unless the user sizes the JVM.
     The rest is for metaspace, threads and native buffers. Takes {root, component, name, reserved, heap, direct}; shares in percent. */}}
{{- define "alluxio.memoryOptions" -}}
{{- $given := printf "%s %s" (include "alluxio.jvmOptions" .root.Values.jvmOptions) (include "alluxio.jvmOptions" .component.jvmOptions) -}}
{{- $limit := int64 (include "alluxio.memoryLimit" .) -}}
{{- $free := sub $limit (int64 .reserved) -}}
{{- $options := list -}}
{{- if gt $free 0 -}}
{{- if not (regexMatch "-Xmx|MaxRAM" $given) -}}
{{- $options = append $options (printf "-Xmx%dm" (max 64 (div (mul $free .heap) 104857600))) -}}
{{- end -}}
{{- if and .direct (not (contains "MaxDirectMemorySize" $given)) -}}
{{- $options = append $options (printf "-XX:MaxDirectMemorySize=%dm" (max 64 (div (mul $free .direct) 104857600))) -}}
{{- end -}}
{{- end -}}
{{- join " " $options -}}
{{- end -}}

{{/* One role's options: its properties, its memory, then the user's JVM options. Takes what the two above take, and defaults. */}}
{{- define "alluxio.roleOptions" -}}
{{- $properties := include "alluxio.properties" (dict "defaults" .defaults "common" (default dict .root.Values.properties) "own" (default dict .component.properties)) -}}
{{- list $properties (include "alluxio.memoryOptions" .) (include "alluxio.jvmOptions" .component.jvmOptions) | compact | join " " -}}
{{- end -}}

{{/* What every process gets. */}}
{{- define "alluxio.javaOptions" -}}
{{- $defaults := include "alluxio.siteDefaults" . | fromYaml -}}
{{- $properties := include "alluxio.properties" (dict "defaults" $defaults "common" dict "own" (default dict .Values.properties)) -}}
{{- /* A headless name, as ZooKeeper's servers and the log server have, gets a new address with each pod, and a Service's when it is
       replaced; Java would go on asking the old one for 30 s. */}}
{{- list "-Dsun.net.inetaddr.ttl=5" $properties (include "alluxio.jvmOptions" .Values.jvmOptions) | compact | join " " -}}
{{- end -}}

{{- define "alluxio.masterOptions" -}}
{{- $defaults := dict "alluxio.master.hostname" "${ALLUXIO_MASTER_HOSTNAME}" -}}
{{- if .Values.metastore -}}
{{- $_ := set $defaults "alluxio.master.metastore" "ROCKS" -}}
{{- $_ := set $defaults "alluxio.master.metastore.dir" (default "/metastore" .Values.metastore.mountPath) -}}
{{- end -}}
{{- include "alluxio.roleOptions" (dict "root" . "component" .Values.master "name" "master" "reserved" 0 "heap" 60 "direct" 0 "defaults" $defaults) -}}
{{- end -}}

{{- define "alluxio.jobMasterOptions" -}}
{{- $defaults := dict "alluxio.master.hostname" "${ALLUXIO_MASTER_HOSTNAME}" -}}
{{- $options := include "alluxio.roleOptions" (dict "root" . "component" .Values.jobMaster "name" "jobMaster" "reserved" 0 "heap" 60 "direct" 0 "defaults" $defaults) -}}
{{- $given := printf "%s %s" (include "alluxio.jvmOptions" .Values.jvmOptions) $options -}}
{{- $own := or (eq (int .Values.master.count) 1) (contains "TieredStopAtLevel" $given) -}}
{{- list (ternary "" "-XX:TieredStopAtLevel=1" $own) $options | compact | join " " -}}
{{- end -}}

{{- define "alluxio.workerOptions" -}}
{{- $defaults := merge (include "alluxio.tierDefaults" . | fromYaml) (include "alluxio.domainDefaults" . | fromYaml) -}}
{{- $_ := set $defaults "alluxio.worker.hostname" "${ALLUXIO_WORKER_HOSTNAME}" -}}
{{- if not .Values.worker.hostNetwork -}}
{{- $_ := set $defaults "alluxio.worker.container.hostname" "${ALLUXIO_WORKER_CONTAINER_HOSTNAME}" -}}
{{- end -}}
{{- include "alluxio.roleOptions" (dict "root" . "component" .Values.worker "name" "worker" "reserved" (include "alluxio.memoryQuota" .) "heap" 40 "direct" 40 "defaults" $defaults) -}}
{{- end -}}

{{- define "alluxio.jobWorkerOptions" -}}
{{- $defaults := include "alluxio.domainDefaults" . | fromYaml -}}
{{- $_ := set $defaults "alluxio.worker.hostname" "${ALLUXIO_WORKER_HOSTNAME}" -}}
{{- $_ := set $defaults "alluxio.user.hostname" "${ALLUXIO_CLIENT_HOSTNAME}" -}}
{{- include "alluxio.roleOptions" (dict "root" . "component" .Values.jobWorker "name" "jobWorker" "reserved" 0 "heap" 60 "direct" 0 "defaults" $defaults) -}}
{{- end -}}

{{- define "alluxio.proxyOptions" -}}
{{- /* The newer S3 handler answers the REST API's paths with an empty 200; with it off both APIs work. */}}
{{- $defaults := merge (dict "alluxio.user.hostname" "${ALLUXIO_CLIENT_HOSTNAME}" "alluxio.proxy.s3.v2.version.enabled" "false") (include "alluxio.clientDefaults" . | fromYaml) -}}
{{- include "alluxio.roleOptions" (dict "root" . "component" .Values.proxy "name" "proxy" "reserved" 0 "heap" 60 "direct" 0 "defaults" $defaults) -}}
{{- end -}}

{{- define "alluxio.fuseOptions" -}}
{{- $defaults := include "alluxio.clientDefaults" . | fromYaml -}}
{{- $_ := set $defaults "alluxio.user.hostname" "${ALLUXIO_CLIENT_HOSTNAME}" -}}
{{- $_ := set $defaults "alluxio.fuse.mount.point" (include "alluxio.fuseMountPoint" .) -}}
{{- $_ := set $defaults "alluxio.fuse.mount.alluxio.path" .Values.fuse.alluxioPath -}}
{{- include "alluxio.roleOptions" (dict "root" . "component" .Values.fuse "name" "fuse" "reserved" 0 "heap" 40 "direct" 40 "defaults" $defaults) -}}
{{- end -}}

{{- define "alluxio.logserverOptions" -}}
{{- include "alluxio.roleOptions" (dict "root" . "component" .Values.logserver "name" "logserver" "reserved" 0 "heap" 60 "direct" 0 "defaults" dict) -}}
{{- end -}}
