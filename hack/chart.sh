#!/usr/bin/env bash
# Copies into the chart what it shares with config, word for word: the chart's
# templates read these files, and only add names, labels and annotations.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
files=charts/credential-reset-operator/files

copy() { # folder of config, folder of the chart, name patterns
	local from="config/$1" to="$files/$2"
	shift 2
	mkdir -p "$to"
	local pattern
	for pattern in "$@"; do
		find "$from" -maxdepth 1 -name "$pattern" ! -name kustomization.yaml ! -name kustomizeconfig.yaml -exec cp {} "$to/" \;
	done
}

rm -rf "$files"
copy crd/bases crds '*.yaml'
copy policy policies '*.yaml'
copy policy/stamping stamping '*.yaml'
copy rbac rbac '*role.yaml' '*role_binding.yaml'
copy namespaced namespaced '*role.yaml' '*role_binding.yaml'
copy prometheus prometheus rules.yaml
copy grafana grafana '*.json'
