// Module dashboard makes the dashboard with Grafana's own types, which are no business
// of the operator.
module github.com/credentialreset/credential-reset-operator/hack/dashboard

go 1.26.0

require github.com/grafana/grafana-foundation-sdk/go v0.0.22
