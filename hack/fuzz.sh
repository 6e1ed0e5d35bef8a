#!/usr/bin/env bash
# Runs every fuzz target of the module for FUZZTIME, one on each core, and prints what
# each came to. Targets are found, not listed: a new one is run from its first day on.
# FUZZ, a regular expression, chooses some of them. An input that fails is written into
# testdata/fuzz of its package, where it is a test from then on.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export fuzztime=${FUZZTIME:-30s}

# fuzz runs one target of a package.
fuzz() {
	local package=$1 target=$2 result=passed log figures execs inputs
	log=$(mktemp)
	trap 'rm -f "$log"' RETURN
	# Most targets involve goroutines, so coverage is never quite the same twice:
	# making inputs smaller by it would take most of the time.
	if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" -fuzzminimizetime 50x -parallel 1 "$package" >"$log" 2>&1; then
		# Go before 1.27 may report its own deadline as a failure, go.dev/issue/75804.
		if [[ $(grep --after-context=1 '^--- FAIL' "$log" | tail -n 1) != "    context deadline exceeded" ]]; then
			result=FAILED
			cat "$log" >&2
		fi
	fi
	figures=$(grep --only-matching 'execs: [0-9]*\|(total: [0-9]*' "$log" | tail -n 2 | grep --only-matching '[0-9]*' | tr '\n' ' ' || true)
	read -r execs inputs <<<"${figures:-0 0}" || true
	printf 'fuzz: %-24s %-24s %9s calls, %5s inputs kept: %s\n' "$package" "$target" "$execs" "$inputs" "$result"
	[[ $result == passed ]]
}
export -f fuzz

# A package without a target is not even built for this.
mapfile -t packages < <(grep --recursive --files-with-matches --include='*_test.go' '^func Fuzz' . | xargs --no-run-if-empty dirname | sort --unique)
targets=()
for package in "${packages[@]}"; do
	go test -c -fuzz . -o /dev/null "$package"
	listed=$(go test -list '^Fuzz' "$package")
	for target in $(grep '^Fuzz' <<<"$listed" | grep --extended-regexp "${FUZZ:-.}" || true); do
		targets+=("$package" "$target")
	done
done
if ((${#targets[@]} == 0)); then
	echo "fuzz: no target was found" >&2
	exit 1
fi
failed=0
printf '%s\0' "${targets[@]}" | xargs --null --max-args=2 --max-procs="$(nproc)" bash -c 'fuzz "$@"' fuzz || failed=1
echo "fuzz: $((${#targets[@]} / 2)) targets, $fuzztime each, $( ((failed)) && echo "some failed" || echo "none failed")"
((!failed))
