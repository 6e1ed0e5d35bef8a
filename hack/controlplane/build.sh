#!/usr/bin/env bash
# Puts etcd, kube-apiserver and kubectl into bin/k8s and prints that folder.
# Tried in this order: KUBEBUILDER_ASSETS, what bin/k8s already holds, a
# download by setup-envtest, a build from Go modules (versions in go.mod here).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
assets="$root/bin/k8s"
binaries=(etcd kube-apiserver kubectl)

say() { printf 'controlplane: %s\n' "$*" >&2; }

version_of() { (cd "$here" && go list -m -f '{{.Version}}' "$1"); }

complete() {
	local binary
	for binary in "${binaries[@]}"; do
		[[ -x "$1/$binary" ]] || return 1
	done
}

# download asks setup-envtest for prebuilt binaries of the pinned minor version.
# Machines without access to them must not wait long, hence the short limit.
download() {
	local found limit="${CONTROLPLANE_DOWNLOAD_SECONDS:-20}" staging="$assets.download"
	[[ "$limit" != 0 ]] || return 1
	say "asking setup-envtest for prebuilt binaries (at most ${limit}s; CONTROLPLANE_DOWNLOAD_SECONDS=0 skips this)"
	(cd "$root" && go build -o bin/setup-envtest -modfile=hack/tools/go.mod \
		sigs.k8s.io/controller-runtime/tools/setup-envtest) || return 1
	found=$(timeout "$limit" "$root/bin/setup-envtest" use "${kubernetes%.*}.x" \
		--bin-dir "$staging" -p path 2>/dev/null) || return 1
	complete "$found" || return 1
	mkdir -p "$assets"
	cp "$found"/* "$assets/"
}

build_one() { # name, package, linker flags
	local started=$SECONDS
	say "building $1 ($2)"
	# Unoptimised code compiles in two thirds of the time, and tests do not
	# need the rest.
	(cd "$here" && CGO_ENABLED=0 go build -trimpath -gcflags='all=-N -l' \
		-ldflags="-s -w $3" -o "$assets/$1.tmp" "$2") &
	local building=$!
	while kill -0 "$building" 2>/dev/null; do
		sleep 1
		(((SECONDS - started) % 30 != 0)) || say "  still building $1, $((SECONDS - started))s"
	done
	wait "$building"
	mv "$assets/$1.tmp" "$assets/$1"
	say "  $1 is ready after $((SECONDS - started))s"
}

build() {
	local number=${kubernetes#v} stamp=k8s.io/component-base/version
	local major minor
	IFS=. read -r major minor _ <<<"$number"
	# Without these a server calls itself v0.0.0-master and clients stumble.
	local flags="-X $stamp.gitVersion=$kubernetes -X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor"
	flags+=" -X $stamp.gitCommit=$kubernetes -X $stamp.gitTreeState=clean -X $stamp.buildDate=1970-01-01T00:00:00Z"
	say "building from Go modules: about 6 minutes on two cores the first time, seconds afterwards"
	mkdir -p "$assets"
	build_one etcd go.etcd.io/etcd/server/v3 ""
	build_one kubectl k8s.io/kubernetes/cmd/kubectl "$flags"
	build_one kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver "$flags"
}

if [[ -n "${KUBEBUILDER_ASSETS:-}" ]]; then
	complete "$KUBEBUILDER_ASSETS" || {
		say "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks one of: ${binaries[*]}; unset it, or point it at a folder with all of them"
		exit 1
	}
	echo "$KUBEBUILDER_ASSETS"
	exit 0
fi

kubernetes=$(version_of k8s.io/kubernetes)
wanted="kubernetes $kubernetes etcd $(version_of go.etcd.io/etcd/server/v3)"
if ! { complete "$assets" && [[ "$(cat "$assets/VERSION" 2>/dev/null)" == "$wanted" ]]; }; then
	rm -rf "$assets"
	download || build
	echo "$wanted" >"$assets/VERSION"
fi
echo "$assets"
