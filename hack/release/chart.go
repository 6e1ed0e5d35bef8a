package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

// chartVersion is the version as Helm wants it: semantic, without the v of the tag.
// What is no release comes before the chart's next one.
func chartVersion(version, next string) string {
	bare := strings.TrimPrefix(version, "v")
	if _, err := semver.StrictNewVersion(bare); err == nil {
		return bare
	}
	return next + "-dev-" + version
}

// makeChart packs the chart, which installs the very image.
func (r release) makeChart(dir, digest string) error {
	chart, err := loader.LoadDir(filepath.Join(r.root, "charts", operatorName))
	if err != nil {
		return fmt.Errorf("load the chart: %w", err)
	}
	chart.Metadata.Version = chartVersion(r.version, chart.Metadata.Version)
	chart.Metadata.AppVersion = r.version
	chart.ModTime, chart.SchemaModTime = r.date, r.date
	for _, files := range [][]*common.File{chart.Raw, chart.Templates, chart.Files} {
		for _, file := range files {
			file.ModTime = r.date
		}
	}
	for _, file := range chart.Raw {
		if file.Name != chartutil.ValuesfileName {
			continue
		}
		file.Data, err = replaceOnce(file.Data, "\n  repository: "+operatorName+"\n", "\n  repository: "+r.repository()+"\n")
		if err != nil {
			return err
		}
		if file.Data, err = replaceOnce(file.Data, "\n  digest: \"\"\n", "\n  digest: "+digest+"\n"); err != nil {
			return err
		}
	}
	if _, err := chartutil.Save(chart, dir); err != nil {
		return fmt.Errorf("pack the chart: %w", err)
	}
	return nil
}

// replaceOnce replaces a text that must be there once.
func replaceOnce(in []byte, old, with string) ([]byte, error) {
	if count := bytes.Count(in, []byte(old)); count != 1 {
		return nil, fmt.Errorf("%q is there %d times, and not once", old, count)
	}
	return bytes.Replace(in, []byte(old), []byte(with), 1), nil
}
