# Everything that a contributor types. Versions are in the go.mod files here, in
# hack/tools, hack/controlplane and the modules of INTEGRATIONS, and nowhere else.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --warn-undefined-variables --no-print-directory

IMG ?= credential-reset-operator:dev
CONFIG ?= default
DIST ?= dist
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# What is built has the time of the commit, so that it comes out the same each time.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
ONLY ?=
KUBECTL ?= kubectl
KEEP ?=
ARGS ?=
TESTFLAGS ?=
SCHEDULES ?= 2000000
FUZZTIME ?= 30s
FUZZ ?=
MUTATE ?=
# The suites run this many at a time; each test mostly waits.
TEST_PARALLEL ?= 16

# The race detector needs a C compiler. The integrations do without: they render and
# compare, and all of Argo CD, Helm and Prometheus would have to be built once more.
RACE := $(if $(shell command -v "$$(go env CC)" 2>/dev/null),-race,)
TOOL := cd hack/tools && go build -o $(CURDIR)/bin/
# What runs other projects' code, each with those projects' dependencies.
INTEGRATIONS := test/gitops test/helm test/prometheus hack/dashboard hack/release hack/site
# test/site needs a browser besides, so that its tests are run by make screenshots alone.
MODULES := $(INTEGRATIONS) test/site
LINKER_FLAGS := -s -w -X main.buildVersion=$(VERSION) -X main.buildRevision=$(REVISION)
RELEASE = go run -C hack/release . --root '$(CURDIR)' --dist '$(abspath $(DIST))' --version '$(VERSION)' --revision '$(REVISION)' \
	--date '$(SOURCE_DATE_EPOCH)' --linker-flags '$(LINKER_FLAGS)' --image '$(IMG)' --only '$(ONLY)'

##@ Use

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN {FS = ":.*##"; print "Usage: make <target>"} \
		/^[a-zA-Z0-9_-]+:.*?##/ {printf "  \033[36m%-14s\033[0m %s\n", $$1, $$2} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)}' $(MAKEFILE_LIST)

.PHONY: demo
demo: controlplane build simulator ## Watch resets being carried out on an embedded control plane (KEEP=1 leaves it running).
	@echo "building the demonstration" >&2
	@CGO_ENABLED=0 go run -trimpath ./hack/demo $(if $(KEEP),--keep)

.PHONY: controlplane
controlplane: ## Put etcd, kube-apiserver and kubectl into bin/k8s, built from Go modules if need be.
	@hack/controlplane/build.sh >/dev/null

.PHONY: build
build: ## Build the operator into bin/operator.
	@echo "building the operator: a minute or two the first time" >&2
	@CGO_ENABLED=0 go build -trimpath -ldflags='$(LINKER_FLAGS)' -o bin/operator .

.PHONY: plugin
plugin: ## Build the kubectl plugin into bin/kubectl-ucr.
	@echo "building the kubectl plugin" >&2
	@CGO_ENABLED=0 go build -trimpath -ldflags='$(LINKER_FLAGS)' -o bin/kubectl-ucr ./cmd/kubectl-ucr
	@install -m 0755 cmd/kubectl-ucr/kubectl_complete-ucr bin/kubectl_complete-ucr

.PHONY: simulator
simulator: ## Build the simulated workspace into bin/simulator.
	@echo "building the simulated workspace" >&2
	@CGO_ENABLED=0 go build -trimpath -o bin/simulator ./hack/simulator

.PHONY: run
run: build ## Run the operator against the cluster of the default kubeconfig (ARGS="--log-format text").
	bin/operator --log-format text $(ARGS)

##@ Check

.PHONY: test
test: controlplane ## Run all tests: units, and suites on a real API server with the built operator.
	@echo "test: building everything first, which takes minutes the first time; then each package reports as it ends" >&2
	@$(if $(RACE),,echo "test: no C compiler, so the race detector is off; install gcc to have it" >&2;) \
	go test $(RACE) -shuffle=on -timeout 30m -parallel $(TEST_PARALLEL) $(TESTFLAGS) ./...
	@# What they test lies outside of their modules, where the cache of results does not look.
	@for module in $(INTEGRATIONS); do (cd $$module && go test -count=1 -shuffle=on -timeout 30m -parallel $(TEST_PARALLEL) $(TESTFLAGS) ./...); done
	@$(if $(TESTFLAGS),,echo "test: exploring schedules of the protocol, where nothing runs at the same time and the race detector has nothing to find" >&2; \
	go test -count=1 -timeout 30m -v -run '^TestEverySchedule$$' ./controllers | grep -v '^=== ')

.PHONY: explore
explore: ## Explore all schedules of the protocol with two deviations, and random ones with more (an hour; SCHEDULES= limits each scenario).
	@go test -count=1 -timeout 12h -v -run '^TestEverySchedule$$' ./controllers \
		-explore.depth 2 -explore.schedules $(SCHEDULES) | grep -v '^=== '

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (30s), or those that match FUZZ.
	@FUZZTIME='$(FUZZTIME)' FUZZ='$(FUZZ)' hack/fuzz.sh

.PHONY: mutate
mutate: controlplane ## Break what the invariants rest on, line by line, and see that a test notices (MUTATE=regexp).
	@go run ./hack/mutate -run '$(MUTATE)' $(ARGS)

.PHONY: soak
soak: controlplane ## Strike the built operator down in 500 iterations and print what came of it (ARGS="-seed 7").
	@echo "soak: takes about twenty minutes; a line of figures comes at the end" >&2
	@cd test/faults && go test -count=1 -timeout 6h -args -iterations 500 $(ARGS)

.PHONY: bench
bench: controlplane ## Measure speed and cost, each figure beside a floor of the same run (half an hour; ARGS="-json bench.json").
	@go run ./test/bench $(ARGS)

.PHONY: bench-smoke
bench-smoke: controlplane ## Run the benchmark with little to do, to see that it works; its figures mean nothing.
	@go run ./test/bench -smoke

.PHONY: profile
profile: controlplane ## Write profiles of the operator under a backlog into profiles/ and show where the time goes.
	@go run ./test/bench -profile profiles
	@go tool pprof -top -cum profiles/cpu.pprof 2>/dev/null | head -40

.PHONY: drill
drill: controlplane ## Reset 500 users with the built plugin, interrupted once and resumed, against a limiter (some minutes).
	@cd test/ucr && go test -count=1 -timeout 1h -v -run '^TestAnIncidentIsInterruptedAndResumed$$' -args -users 500 | grep -v '^=== '

.PHONY: docs
docs: bin/hugo ## Build the documentation as a site into dist/site and check its links.
	@HUGO_PARAMS_VERSION='$(VERSION)' bin/hugo build --source hack/site --destination '$(abspath $(DIST))/site' --cleanDestinationDir --noBuildLock --quiet
	@go -C hack/site run ./links '$(abspath $(DIST))/site' '$(CURDIR)'

.PHONY: docs-serve
docs-serve: bin/hugo ## Show the documentation at a local address while it is being written.
	@bin/hugo server --source hack/site --noBuildLock --renderToMemory

.PHONY: screenshots
screenshots: docs ## Look at every page of the site with Chromium, which is installed if need be, and keep pictures in dist/screenshots.
	@hack/chromium.sh
	@cd test/site && go test -count=1 -timeout 10m . -args -site '$(abspath $(DIST))/site' -screenshots '$(abspath $(DIST))/screenshots'

.PHONY: lint
lint: bin/golangci-lint ## Run the linters.
	@bin/golangci-lint run --allow-parallel-runners
	@for module in $(MODULES); do (cd $$module && $(CURDIR)/bin/golangci-lint run --allow-parallel-runners); done

.PHONY: verify
verify: bin/controller-gen bin/crd-ref-docs bin/golangci-lint ## Check that generated files, go.mod files and formatting are up to date.
	@hack/verify.sh

.PHONY: vulncheck
vulncheck: bin/govulncheck ## Look for known vulnerabilities in what the operator calls.
	@hack/vulncheck.sh

##@ Develop

.PHONY: generate
generate: bin/controller-gen bin/crd-ref-docs ## Generate deep copies, CRDs, RBAC, pages and the dashboard from the Go sources, and from those what others share.
	@bin/controller-gen object paths=./api/...
	@bin/controller-gen crd paths=./api/... output:crd:dir=config/crd/bases
	@bin/controller-gen rbac:roleName=credential-reset-operator paths=./controllers/... output:rbac:dir=config/rbac
	@hack/prometheusrule.sh
	@go -C hack/dashboard run . >config/grafana/dashboard.json.tmp && mv config/grafana/dashboard.json.tmp config/grafana/dashboard.json
	@hack/chart.sh
	@hack/fields.sh
	@go -C hack/site run ./draw ../../docs/request.d2 >docs/request.svg.tmp && mv docs/request.svg.tmp docs/request.svg
	@go run ./hack/reasons >docs/reasons.md.tmp && mv docs/reasons.md.tmp docs/reasons.md
	@go run ./hack/answers >docs/answers.md.tmp && mv docs/answers.md.tmp docs/answers.md
	@go run ./hack/argocd

.PHONY: transcript
transcript: controlplane build simulator ## Write docs/kubectl.md: what kubectl shows for each kind of request.
	@CGO_ENABLED=0 go run -trimpath ./hack/demo --transcript docs/kubectl.md

.PHONY: fmt
fmt: bin/golangci-lint ## Format the Go sources.
	@bin/golangci-lint fmt

.PHONY: tidy
tidy: ## Tidy all go.mod files.
	@go mod tidy
	@cd hack/tools && go mod tidy
	@cd hack/controlplane && go mod tidy
	@for module in $(MODULES); do (cd $$module && go mod tidy); done

##@ Deploy

.PHONY: install
install: ## Install the CRDs and their policies into the cluster of the default kubeconfig.
	$(KUBECTL) apply --server-side -k config/crd
	$(KUBECTL) apply --server-side -k config/policy

.PHONY: uninstall
uninstall: ## Remove the CRDs, and with them every request and record.
	$(KUBECTL) delete --ignore-not-found -k config/policy
	$(KUBECTL) delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: ## Install CRDs, rights and the operator with the image IMG (CONFIG=namespaced or stamped instead of default).
	@$(KUBECTL) kustomize config/$(CONFIG) | sed 's|image: credential-reset-operator:dev|image: $(IMG)|' | $(KUBECTL) apply --server-side -f -

.PHONY: undeploy
undeploy: ## Remove the operator and its rights; CRDs, requests and records stay.
	$(KUBECTL) delete --ignore-not-found -k config/manager
	$(KUBECTL) delete --ignore-not-found -k config/rbac

.PHONY: dist
dist: ## Write dist/install.yaml: all of config/default in one file, with the image IMG.
	@$(RELEASE) install

.PHONY: docker-build
docker-build: ## Build the container image IMG with docker: the same as make image does without.
	docker build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
		--build-arg CREATED="$$(date --utc --date '@$(SOURCE_DATE_EPOCH)' +%Y-%m-%dT%H:%M:%SZ)" --tag $(IMG) .

##@ Release

.PHONY: image
image: ## Build the image for all platforms into dist/image, without a daemon or a registry (ONLY=linux/amd64).
	@$(RELEASE) image

.PHONY: image-push
image-push: ## Push dist/image under its digest to the repository of IMG, and print its digests.
	@$(RELEASE) push

.PHONY: image-tag
image-tag: ## Give the pushed image the name IMG.
	@$(RELEASE) tag

.PHONY: release-dry-run
release-dry-run: IMG = credential-reset-operator
release-dry-run: ## Make everything that a release consists of in dist, and publish nothing (ONLY=linux/amd64).
	@echo "release: building all that is released, which takes minutes the first time" >&2
	@$(RELEASE) all

# Tools, rebuilt when their versions change.

bin/golangci-lint: hack/tools/go.mod
	@echo "building golangci-lint with kube-api-linter: some minutes the first time" >&2
	@$(TOOL)golangci-lint sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter

bin/controller-gen: hack/tools/go.mod
	@$(TOOL)controller-gen sigs.k8s.io/controller-tools/cmd/controller-gen

bin/crd-ref-docs: hack/tools/go.mod
	@$(TOOL)crd-ref-docs github.com/elastic/crd-ref-docs

bin/hugo: hack/site/go.mod
	@echo "building Hugo: some minutes the first time" >&2
	@cd hack/site && CGO_ENABLED=0 go build -o $(CURDIR)/bin/hugo github.com/gohugoio/hugo

bin/govulncheck: hack/tools/go.mod
	@$(TOOL)govulncheck golang.org/x/vuln/cmd/govulncheck
