package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdxlib"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

// TestChecksumsAreThoseOfAllFiles checks them as everybody does.
func TestChecksumsAreThoseOfAllFiles(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", checksumsName)
	check.Dir = filepath.Dir(r.file(checksumsName))
	if output, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	entries, err := os.ReadDir(check.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	want = append(want, checksumsName, "install.yaml", "ucr.yaml", "credential-reset-operator-9.8.7.tgz", "credential-reset-operator_image.tar",
		"credential-reset-operator_"+here.String()+".spdx.json", "kubectl-ucr_"+here.String()+".spdx.json", "kubectl-ucr_"+here.String()+".tar.gz")
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +made):\n%s", diff)
	}
	if listed := strings.Count(read(t, r.file(checksumsName)), "\n"); listed != len(want)-1 {
		t.Errorf("%d checksums are for %d files", listed, len(want)-1)
	}
}

// untar is the content of each file in a compressed archive.
func untar(t *testing.T, path string) map[string][]byte {
	t.Helper()
	unzipped, err := gzip.NewReader(strings.NewReader(read(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	archive := tar.NewReader(unzipped)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBillsOfMaterialsTellWhatIsInTheBinaries reads them with the code of SPDX itself.
func TestBillsOfMaterialsTellWhatIsInTheBinaries(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	_, image := r.imageHere(t)
	dir := t.TempDir()
	unpack(t, image, dir)
	for name, content := range map[string][]byte{
		operatorName: []byte(read(t, dir, entrypoint)),
		pluginName:   untar(t, r.file(pluginName+"_"+here.String()+".tar.gz"))[pluginName],
	} {
		bill, err := spdxjson.Read(strings.NewReader(read(t, r.file(name+"_"+here.String()+".spdx.json"))))
		if err != nil {
			t.Fatal(err)
		}
		if err := spdxlib.ValidateDocument(bill); err != nil {
			t.Error(err)
		}
		described, err := spdxlib.GetDescribedPackageIDs(bill)
		if err != nil || !slices.Equal(described, []spdx.ElementID{subject}) {
			t.Errorf("the bill of %s describes %v (%v)", name, described, err)
		}
		info, err := buildinfo.Read(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"pkg:golang/" + info.Main.Path + "@" + testVersion, "pkg:golang/stdlib@" + strings.TrimPrefix(info.GoVersion, "go")}
		for _, module := range info.Deps {
			want = append(want, "pkg:golang/"+module.Path+"@"+strings.ReplaceAll(module.Version, "+", "%2B"))
		}
		var got []string
		for _, part := range bill.Packages {
			got = append(got, part.PackageExternalReferences[0].Locator)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what is in %s (-binary +bill):\n%s", name, diff)
		}
		if sum := bill.Packages[0].PackageChecksums[0].Value; sum != checksum(content) {
			t.Errorf("the bill of %s is for the binary %s, not %s", name, sum, checksum(content))
		}
	}
}

// TestTheChartInstallsTheVeryImage renders what was packed.
func TestTheChartInstallsTheVeryImage(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	index, _ := r.imageHere(t)
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	chart, err := loader.LoadFile(r.file("credential-reset-operator-9.8.7.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	if chart.Metadata.Version != "9.8.7" || chart.Metadata.AppVersion != testVersion {
		t.Errorf("the chart is %s of %s", chart.Metadata.Version, chart.Metadata.AppVersion)
	}
	capabilities := common.DefaultCapabilities.Copy()
	if capabilities.KubeVersion, err = kubernetes(); err != nil {
		t.Fatal(err)
	}
	values, err := util.ToRenderValues(chart, nil, common.ReleaseOptions{Name: "resets", Namespace: "resets"}, capabilities)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := engine.Render(chart, values)
	if err != nil {
		t.Fatal(err)
	}
	want := "image: " + testRepository + "@" + digest.String() + "\n"
	if deployment := rendered["credential-reset-operator/templates/deployment.yaml"]; !strings.Contains(deployment, want) {
		t.Errorf("the chart does not install %q:\n%s", want, deployment)
	}
	if install := read(t, r.file("install.yaml")); !strings.Contains(install, "image: "+testRepository+":"+testVersion+"@"+digest.String()+"\n") {
		t.Errorf("install.yaml does not install the image %s", digest)
	}
}

// kubernetes is one that the chart is for.
func kubernetes() (common.KubeVersion, error) {
	version, err := common.ParseKubeVersion("v1.36.0")
	if err != nil {
		return common.KubeVersion{}, err
	}
	return *version, nil
}

func TestVersionsThatAreNoReleases(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"v1.2.3":            "1.2.3",
		"v1.2.3-rc.1":       "1.2.3-rc.1",
		"v1.2.3-4-g0123abc": "1.2.3-4-g0123abc",
		"0123456":           "0.1.0-dev-0123456",
		"0123abc-dirty":     "0.1.0-dev-0123abc-dirty",
		"v1.2":              "0.1.0-dev-v1.2",
		"unknown":           "0.1.0-dev-unknown",
	} {
		if got := chartVersion(version, "0.1.0"); got != want {
			t.Errorf("%s makes the chart %s, want %s", version, got, want)
		}
	}
}

func TestTheImageIsNamedByItsVersionUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	for image, want := range map[string][2]string{
		"operator":                            {"operator", "operator:v9.8.7"},
		"operator:dev":                        {"operator", "operator:dev"},
		"mirror.example/resets/operator:1.2":  {"mirror.example/resets/operator", "mirror.example/resets/operator:1.2"},
		"mirror.example:5000/resets/operator": {"mirror.example:5000/resets/operator", "mirror.example:5000/resets/operator:v9.8.7"},
		"mirror.example:5000/operator:1.2":    {"mirror.example:5000/operator", "mirror.example:5000/operator:1.2"},
	} {
		r := release{image: image, version: testVersion}
		if got := [2]string{r.repository(), r.tagged()}; got != want {
			t.Errorf("the repository and the name of %s are %v, want %v", image, got, want)
		}
	}
}

// TestThePluginIsWhatKrewIsTold reads the manifest and runs what it leads to.
func TestThePluginIsWhatKrewIsTold(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	text := read(t, r.file("ucr.yaml"))
	if strings.Contains(text, "${") {
		t.Errorf("something is not filled in:\n%s", text)
	}
	var manifest krewManifest
	if err := yaml.UnmarshalStrict([]byte(text), &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Spec.Version != testVersion || len(manifest.Spec.Platforms) != 1 {
		t.Fatalf("the manifest is of %s for %v", manifest.Spec.Version, manifest.Spec.Platforms)
	}
	listed := manifest.Spec.Platforms[0]
	name := filepath.Base(listed.URI)
	if want := project + "/releases/download/" + testVersion + "/" + name; listed.URI != want {
		t.Errorf("the archive is at %s, want %s", listed.URI, want)
	}
	if sum := checksum([]byte(read(t, r.file(name)))); sum != listed.SHA256 {
		t.Errorf("the archive is %s, not %s", sum, listed.SHA256)
	}
	files := untar(t, r.file(name))
	if len(files) != 2 || string(files["LICENSE"]) != read(t, root, "LICENSE") {
		t.Errorf("the archive holds %d files", len(files))
	}
	path := filepath.Join(t.TempDir(), listed.Bin)
	if err := os.WriteFile(path, files[listed.Bin], 0o755); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), path, "version").CombinedOutput(); err != nil || strings.TrimSpace(string(output)) != testVersion {
		t.Errorf("the plugin says of its version: %q (%v)", output, err)
	}
}
