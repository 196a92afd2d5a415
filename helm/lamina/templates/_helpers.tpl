{{- define "lamina.fullname" -}}
{{- if contains "lamina" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-lamina" (.Release.Name | trunc 43 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{- define "lamina.selectorLabels" -}}
app.kubernetes.io/name: lamina
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lamina.labels" -}}
{{ include "lamina.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "lamina.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* Where the daemon finds the host's directory that the state directory lies in: under another path, so that what the kubelet mounts
     beneath /var/lib is not listed twice at one place in the daemon's mount table. */}}
{{- define "lamina.hostPrefix" -}}/host{{- end -}}

{{/* The daemon's configuration, with its own keys. */}}
{{- define "lamina.configuration" -}}
{{- $pools := dict -}}
{{- range $name, $pool := .Values.pools -}}
{{- $_ := set $pools $name $pool -}}
{{- end -}}
{{- $configuration := dict
    "driverName" .Values.driverName
    "stateDirectory" (printf "%s%s" (include "lamina.hostPrefix" .) .Values.stateDir)
    "csi" (dict "nodeLocal" (not .Values.singleNode) "maxVolumesPerNode" (int .Values.maxVolumesPerNode))
    "cluster" (dict "enabled" .Values.cluster.enabled)
    "logging" (dict "logLevel" (dict "default" .Values.logLevel)) -}}
{{- if $pools -}}{{- $_ := set $configuration "pools" $pools -}}{{- end -}}
{{- if .Values.bindRoots -}}{{- $_ := set $configuration "bindRoots" .Values.bindRoots -}}{{- end -}}
{{- toPrettyJson $configuration -}}
{{- end -}}

{{/* Whether a pool is a zfs one; else empty. */}}
{{- define "lamina.hasZfs" -}}
{{- range .Values.pools -}}{{- if eq .backend "zfs" -}}true{{- end -}}{{- end -}}
{{- end -}}

{{/*
The host directories that the daemon must see at their own places, as a list of path, propagation and type. None lies within another: a mount within
a shared mount would appear on the host too, once more at every start of the pod. Of a pool it is the directory above, as with the state directory: whether
there is a pool is the daemon's to see, and a disk that is mounted there later is seen too. So nothing of it is made: it would lie on the root's disk.
*/}}
{{- define "lamina.roots" -}}
{{- $wanted := dict -}}
{{- $existing := dict -}}
{{- range .Values.bindRoots -}}{{- $_ := set $wanted . "HostToContainer" -}}{{- end -}}
{{- range $pool := .Values.pools -}}
{{- range list $pool.path $pool.image -}}
{{- if . -}}
{{- $above := dir . -}}
{{- $_ := set $existing $above true -}}
{{- if $pool.image -}}
{{- $_ := set $wanted $above "Bidirectional" -}}
{{- else if not (hasKey $wanted $above) -}}
{{- $_ := set $wanted $above "HostToContainer" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $reserved := list .Values.kubeletDir "/run/lamina" "/dev" "/etc/lamina" "/etc/lamina-chart" "/csi" (include "lamina.hostPrefix" .) -}}
{{- $roots := list -}}
{{- range $path := keys $wanted | sortAlpha -}}
{{- /* That of the root directory itself is the empty one with a slash. */ -}}
{{- $slash := printf "%s/" (trimSuffix "/" $path) -}}
{{- range $reserved -}}
{{- if or (hasPrefix $slash (printf "%s/" .)) (hasPrefix (printf "%s/" .) $slash) -}}
{{- fail (printf "the host directory %s, a bind root or the one above a pool or an image, holds %s or lies in it; bind roots and what is above pools and images must be apart from it, as /srv/fast above /srv/fast/lamina" $path .) -}}
{{- end -}}
{{- end -}}
{{- $propagation := get $wanted $path -}}
{{- $type := "DirectoryOrCreate" -}}
{{- $nested := false -}}
{{- range $other := keys $wanted -}}
{{- if and (ne $other $path) (hasPrefix (printf "%s/" $other) $slash) -}}{{- $nested = true -}}{{- end -}}
{{- if hasPrefix $slash (printf "%s/" $other) -}}
{{- if eq (get $wanted $other) "Bidirectional" -}}{{- $propagation = "Bidirectional" -}}{{- end -}}
{{- if hasKey $existing $other -}}{{- $type = "Directory" -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $nested -}}{{- $roots = append $roots (dict "path" $path "propagation" $propagation "type" $type) -}}{{- end -}}
{{- end -}}
{{- toYaml $roots -}}
{{- end -}}

{{/* The node's directory with what 'lamina pool init' writes down. In the state directory it would make that be there before the daemon, which would take it
     for the mount point of a missing disk. */}}
{{- define "lamina.configDir" -}}
{{- $slash := printf "%s/" .Values.configDir -}}
{{- range list .Values.stateDir .Values.kubeletDir -}}
{{- if or (hasPrefix $slash (printf "%s/" .)) (hasPrefix (printf "%s/" .) $slash) -}}
{{- fail (printf "configDir %s holds %s or lies in it; it must be apart from it" $.Values.configDir .) -}}
{{- end -}}
{{- end -}}
{{- .Values.configDir -}}
{{- end -}}

{{- define "lamina.sidecarSecurity" -}}
securityContext:
  # The daemon's socket is root's alone.
  runAsUser: 0
  {{- if .Values.selinux }}
  privileged: true
  {{- else }}
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
  {{- end }}
  readOnlyRootFilesystem: true
{{- end -}}

{{/* What all sidecars have; ends with the list of mounts, which may go on. */}}
{{- define "lamina.sidecar" -}}
resources:
  {{- toYaml .Values.sidecars.resources | nindent 2 }}
{{ include "lamina.sidecarSecurity" . }}
volumeMounts:
  - name: socket
    mountPath: /csi
{{- end -}}

{{- define "lamina.podEnvironment" -}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end -}}
