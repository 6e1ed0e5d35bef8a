{{- /* One kind, the template value "kind", as one table over all of its fields. */ -}}

{{- define "gvList" -}}
{{- $kind := markdownTemplateValue "kind" -}}
| field | type | meaning | values |
|---|---|---|---|
{{ range . }}{{ range .SortedTypes }}{{ if eq .Name $kind }}{{ template "fields" (dict "path" "" "type" .) }}{{ end }}{{ end }}{{ end }}
{{- end -}}

{{- /* Types of Kubernetes and of Go are not looked into. crd-ref-docs counts what a type
       may be: 0 is a named basic type, 4 a pointer, 5 a list, 6 a struct. */ -}}
{{- define "fields" -}}
{{- $path := .path -}}
{{- range .type.Members -}}
{{- if not (has .Name (list "metadata" "kind" "apiVersion")) -}}
{{- $here := printf "%s%s" $path .Name -}}
| `{{ $here }}` | {{ template "type" .Type }} | {{ .Doc | replace "\n" " " | replace "|" "\\|" }} | {{ template "values" . }} |
{{ template "inside" (dict "path" $here "type" .Type) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "inside" -}}
{{- if eq .type.Kind 5 -}}
{{- template "inside" (dict "path" (printf "%s[]" .path) "type" .type.UnderlyingType) -}}
{{- else if eq .type.Kind 4 -}}
{{- template "inside" (dict "path" .path "type" .type.UnderlyingType) -}}
{{- else if hasPrefix "github.com/credentialreset/" .type.Package -}}
{{- template "fields" (dict "path" (printf "%s." .path) "type" .type) -}}
{{- end -}}
{{- end -}}

{{- define "type" -}}
{{- if eq .Kind 5 }}{{ template "type" .UnderlyingType }}s
{{- else if eq .Kind 4 }}{{ template "type" .UnderlyingType }}
{{- else if .EnumValues }}string
{{- else if eq .Kind 6 }}{{ if has .Name (list "Time" "MicroTime" "Condition") }}{{ .Name | lower }}{{ else }}object{{ end }}
{{- else if hasPrefix "int" .Name }}integer
{{- else if eq .Name "bool" }}boolean
{{- else if eq .Kind 0 }}string
{{- else }}{{ .Name }}
{{- end -}}
{{- end -}}

{{- define "values" -}}
{{- $values := list -}}
{{- range .Validation -}}
{{- if hasPrefix "Required:" . }}{{ $values = prepend $values "required" }}
{{- else if hasPrefix "Optional:" . }}
{{- else if hasPrefix "Enum: [" . }}{{ $values = append $values (. | trimPrefix "Enum: [" | trimSuffix "]" | replace " " ", ") }}
{{- else if hasPrefix "Maximum: " . }}{{ $values = append $values (printf "Maximum: %d" (trimPrefix "Maximum: " . | float64 | int64)) }}
{{- else }}{{ $values = append $values (replace "|" "\\|" .) }}
{{- end -}}
{{- end -}}
{{- if and .Default (not (hasPrefix "{" .Default)) }}{{ $values = append $values (printf "default: `%s`" .Default) }}{{ end -}}
{{ $values | uniq | join "<br>" }}
{{- end -}}
