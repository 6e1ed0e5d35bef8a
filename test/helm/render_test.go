package helm

import (
	_ "helm.sh/helm/v4/pkg/action"
	_ "helm.sh/helm/v4/pkg/chart/loader"
	_ "github.com/credentialreset/credential-reset-operator/test/cluster"
	_ "github.com/google/go-cmp/cmp"
	_ "sigs.k8s.io/yaml"
	_ "k8s.io/client-go/kubernetes"
	_ "k8s.io/client-go/dynamic"
	_ "k8s.io/cli-runtime/pkg/genericclioptions"
	_ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)
