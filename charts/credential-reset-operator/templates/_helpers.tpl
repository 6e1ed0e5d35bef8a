{{- define "credential-reset-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "credential-reset-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "credential-reset-operator.serviceAccountName" -}}
{{- default (ternary (include "credential-reset-operator.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "credential-reset-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "credential-reset-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "credential-reset-operator.labels" -}}
{{ include "credential-reset-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The metadata of an object that is written in a template: a dict of root, name, and
perhaps clusterWide, namespace, labels and annotations. */ -}}
{{- define "credential-reset-operator.metadata" -}}
name: {{ .name }}
{{- if not .clusterWide }}
namespace: {{ default .root.Release.Namespace .namespace }}
{{- end }}
labels:
  {{- include "credential-reset-operator.labels" .root | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (default (dict) .annotations) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The name in this release of something that config calls credential-reset-operator,
perhaps with something behind it: a dict of root and name. */ -}}
{{- define "credential-reset-operator.renamed" -}}
{{- if hasPrefix "credential-reset-operator" .name }}
{{- printf "%s%s" (include "credential-reset-operator.fullname" .root) (trimPrefix "credential-reset-operator" .name) }}
{{- else }}
{{- .name }}
{{- end }}
{{- end }}

{{- /* An object of config as it is in this release: a dict of root, object and keep. */ -}}
{{- define "credential-reset-operator.adopted" -}}
{{- $root := .root }}
{{- $object := .object }}
{{- $metadata := $object.metadata }}
{{- $_ := set $metadata "name" (include "credential-reset-operator.renamed" (dict "root" $root "name" $metadata.name)) }}
{{- if $metadata.namespace }}
{{- $_ := set $metadata "namespace" $root.Release.Namespace }}
{{- end }}
{{- $_ := set $metadata "labels" (merge (include "credential-reset-operator.labels" $root | fromYaml) (default (dict) $metadata.labels)) }}
{{- $annotations := merge (dict) (default (dict) $metadata.annotations) $root.Values.commonAnnotations }}
{{- if .keep }}
{{- $_ := set $annotations "helm.sh/resource-policy" "keep" }}
{{- end }}
{{- if $annotations }}
{{- $_ := set $metadata "annotations" $annotations }}
{{- end }}
{{- with $object.roleRef }}
{{- $_ := set . "name" (include "credential-reset-operator.renamed" (dict "root" $root "name" .name)) }}
{{- end }}
{{- range $object.subjects }}
{{- $_ := set . "name" (include "credential-reset-operator.serviceAccountName" $root) }}
{{- $_ := set . "namespace" $root.Release.Namespace }}
{{- end }}
---
{{ toYaml $object }}
{{- end }}

{{- /* All objects of the files that match: a dict of root, files and keep. */ -}}
{{- define "credential-reset-operator.adoptedFiles" -}}
{{- $context := . }}
{{- range $path, $_ := .root.Files.Glob .files }}
{{- range regexSplit "(?m)^---\\s*$" ($context.root.Files.Get $path) -1 }}
{{- with fromYaml . }}
{{ include "credential-reset-operator.adopted" (dict "root" $context.root "object" . "keep" $context.keep) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* "true" or nothing: a dict of root and value, which is true, false or auto. */ -}}
{{- define "credential-reset-operator.withReplicas" -}}
{{- if eq (toString .value) "auto" }}
{{- if gt (int .root.Values.replicas) 1 }}true{{ end }}
{{- else if .value }}true{{ end }}
{{- end }}
