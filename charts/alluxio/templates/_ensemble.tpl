{{/* Masters that run elect through one ZooKeeper, on one pair of paths. Masters restart one by one: the first that looks
     elsewhere finds nobody there and leads, beside the leader that the others know. Its twin is ensemble.py. */}}
{{- define "alluxio.refuseChangedEnsemble" -}}
{{- $errors := list -}}
{{- if and .Release.IsUpgrade .Values.master.enabled -}}
{{- $running := include "alluxio.running" . | fromJson -}}
{{- if gt (int $running.masters) 0 -}}
{{- $now := $running.ensemble -}}
{{- $then := include "alluxio.ensemble" (dict "all" (include "alluxio.javaOptions" .) "masters" (include "alluxio.masterOptions" .)) | fromJson -}}
{{- $common := false -}}
{{- $known := include "alluxio.serverNames" (dict "servers" $then.servers "namespace" .Release.Namespace) | fromJsonArray -}}
{{- range include "alluxio.serverNames" (dict "servers" $now.servers "namespace" .Release.Namespace) | fromJsonArray -}}
{{- if has . $known -}}{{- $common = true -}}{{- end -}}
{{- end -}}
{{- $isAnother := not (and $common (eq $now.election $then.election) (eq $now.leader $then.leader)) -}}
{{- if and $now.enabled $then.enabled $isAnother -}}
{{- $errors = append $errors (printf "The running masters elect through %s (paths %s, %s), the values say %s (paths %s, %s): a master that restarts would lead there beside the leader that the others know, and two leaders on one journal lose what clients were told is written.\nFix: leave the ZooKeeper properties as they were. To move the masters, stop all of them first: `alluxops uninstall` keeps the journal, then `alluxops site`; by hand, upgrade with master.running: 0 and the old properties, wait until their pods are gone, then upgrade with the new ones." (join "," $now.servers) $now.election $now.leader (join "," $then.servers) $then.election $then.leader) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $errors | toJson -}}
{{- end -}}

{{/* Servers by the shortest names that mean the same to pods of a namespace for certain, as a JSON array. Takes {servers, namespace}. */}}
{{- define "alluxio.serverNames" -}}
{{- $local := printf ".%s.svc" .namespace -}}
{{- $names := list -}}
{{- range .servers -}}
{{- $port := regexFind ":[0-9]+$" . -}}
{{- $host := regexReplaceAll "[.]svc[.]cluster[.]local[.]?$" (trimSuffix $port .) ".svc" | trimSuffix $local -}}
{{- $names = append $names (printf "%s%s" $host $port) -}}
{{- end -}}
{{- $names | toJson -}}
{{- end -}}

{{/* What runs, as JSON: {masters, config, ensemble}: how many masters, the release's ConfigMap, and what that has them elect through. */}}
{{- define "alluxio.running" -}}
{{- $fullname := include "alluxio.fullname" . -}}
{{- $masters := lookup "apps/v1" "StatefulSet" .Release.Namespace (printf "%s-master" $fullname) | default dict -}}
{{- $config := dig "data" dict (lookup "v1" "ConfigMap" .Release.Namespace (printf "%s-config" $fullname) | default dict) -}}
{{- $ensemble := include "alluxio.ensemble" (dict "all" (get $config "ALLUXIO_JAVA_OPTS") "masters" (get $config "ALLUXIO_MASTER_JAVA_OPTS")) | fromJson -}}
{{- dict "masters" (dig "spec" "replicas" 0 $masters) "config" $config "ensemble" $ensemble | toJson -}}
{{- end -}}

{{/* Through which ZooKeeper masters elect, as JSON: {enabled, servers, election, leader}. Takes the Java options {all, masters}, where
     the last of a name wins. A directory behind the servers (host:2181/dir) is a part of each path. */}}
{{- define "alluxio.ensemble" -}}
{{- $found := dict "enabled" "" "address" "" "election.path" "/alluxio/election" "leader.path" "/alluxio/leader" -}}
{{- range regexSplit "\\s+" (printf "%s %s" .all .masters) -1 -}}
{{- if hasPrefix "-Dalluxio.zookeeper." . -}}
{{- $pair := splitn "=" 2 (trimPrefix "-Dalluxio.zookeeper." .) -}}
{{- $_ := set $found $pair._0 (default "" $pair._1) -}}
{{- end -}}
{{- end -}}
{{- $address := splitn "/" 2 $found.address -}}
{{- $above := trimSuffix "/" (printf "/%s" (default "" $address._1)) -}}
{{- $servers := list -}}
{{- range splitList "," (lower $address._0) -}}
{{- $servers = append $servers (ternary . (printf "%s:2181" .) (regexMatch ":[0-9]+$" .)) -}}
{{- end -}}
{{- dict "enabled" (eq (lower $found.enabled) "true") "servers" $servers "election" (printf "%s%s" $above (index $found "election.path")) "leader" (printf "%s%s" $above (index $found "leader.path")) | toJson -}}
{{- end -}}
