#!/usr/bin/env bash
# Writes the alerts as the PrometheusRule that Prometheus's operator reads. Prometheus
# itself and promtool read config/prometheus/rules.yaml as it is.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
{
	cat <<'YAML'
# Made from rules.yaml by make generate.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: credential-reset-operator
  namespace: credentialreset-system
spec:
YAML
	sed -e '/^#/d' -e 's/^/  /' config/prometheus/rules.yaml
} >config/prometheus/prometheus_rule.yaml
