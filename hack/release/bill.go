package main

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdx/v2/common"
)

const (
	unknown = "NOASSERTION"
	subject = "binary" // the id of what a bill is about
)

// makeBills writes a bill of materials for each binary.
func (r release) makeBills(binaries []binary, dir string) error {
	var errs []error
	for _, each := range binaries {
		errs = append(errs, r.makeBill(each, filepath.Join(dir, each.title()+".spdx.json")))
	}
	return errors.Join(errs...)
}

// makeBill writes down what the linker says is in a binary.
func (r release) makeBill(of binary, path string) error {
	content, err := os.ReadFile(of.path)
	if err != nil {
		return err
	}
	info, err := buildinfo.Read(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("read what is in %s: %w", of.title(), err)
	}
	var out bytes.Buffer
	if err := spdxjson.Write(r.bill(of, info, checksum(content)), &out, spdxjson.Indent(" ")); err != nil {
		return fmt.Errorf("write the bill of materials of %s: %w", of.title(), err)
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}

func (r release) bill(of binary, info *debug.BuildInfo, sum string) *spdx.Document {
	whole := &spdx.Package{
		PackageName:             of.name,
		PackageSPDXIdentifier:   subject,
		PackageVersion:          r.version,
		PackageFileName:         of.title(),
		PackageDownloadLocation: "git+" + project + "@" + r.revision,
		PackageChecksums:        []common.Checksum{{Algorithm: common.SHA256, Value: sum}},
		PackageHomePage:         project,
		PackageLicenseConcluded: "Apache-2.0",
		PackageLicenseDeclared:  "Apache-2.0",
		PackageCopyrightText:    unknown,
		PrimaryPackagePurpose:   "APPLICATION",
		PackageExternalReferences: []*spdx.PackageExternalReference{
			locator(info.Main.Path, r.version),
		},
	}
	document := &spdx.Document{
		SPDXVersion:       spdx.Version,
		DataLicense:       spdx.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      of.title() + " " + r.version,
		DocumentNamespace: project + "/spdx/" + of.title() + "-" + r.version + "-" + sum,
		CreationInfo: &spdx.CreationInfo{
			Created:  r.date.Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: operatorName + "-release"}},
		},
		Packages:      []*spdx.Package{whole},
		Relationships: []*spdx.Relationship{relation("DOCUMENT", common.TypeRelationshipDescribe, subject)},
	}
	materials := []*spdx.Package{material("stdlib", strings.TrimPrefix(info.GoVersion, "go"), "BSD-3-Clause")}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		part := material(module.Path, module.Version, unknown)
		if module.Sum != "" {
			part.PackageSourceInfo = "go.sum " + module.Sum
		}
		materials = append(materials, part)
	}
	for _, part := range materials {
		document.Packages = append(document.Packages, part)
		document.Relationships = append(document.Relationships, relation(subject, common.TypeRelationshipDependsOn, part.PackageSPDXIdentifier))
	}
	return document
}

// notInIDs are characters that an id may not have.
var notInIDs = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// material is a module that is part of a binary.
func material(path, version, license string) *spdx.Package {
	location := unknown
	if strings.Contains(path, ".") {
		location = "https://" + path
	}
	return &spdx.Package{
		PackageName:               path,
		PackageSPDXIdentifier:     common.ElementID("module-" + notInIDs.ReplaceAllString(path+"-"+version, "-")),
		PackageVersion:            version,
		PackageDownloadLocation:   location,
		PackageLicenseConcluded:   license,
		PackageLicenseDeclared:    license,
		PackageCopyrightText:      unknown,
		PackageExternalReferences: []*spdx.PackageExternalReference{locator(path, version)},
	}
}

// locator is the name by which scanners know a Go module.
func locator(path, version string) *spdx.PackageExternalReference {
	return &spdx.PackageExternalReference{
		Category: common.CategoryPackageManager,
		RefType:  common.TypePackageManagerPURL,
		Locator:  "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B"),
	}
}

func relation(from common.ElementID, kind string, to common.ElementID) *spdx.Relationship {
	return &spdx.Relationship{RefA: common.DocElementID{ElementRefID: from}, Relationship: kind, RefB: common.DocElementID{ElementRefID: to}}
}
