#!/usr/bin/env bash
# Runs every fuzz target of the module for FUZZTIME and prints what each came to.
# Targets are found, not listed: a new one is run from its first day on. FUZZ, a
# regular expression, chooses some of them. An input that fails is written into
# testdata/fuzz of its package, where it is a test from then on.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
fuzztime=${FUZZTIME:-30s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# A package without a target is not even built for this.
mapfile -t packages < <(grep --recursive --files-with-matches --include='*_test.go' '^func Fuzz' . | xargs --no-run-if-empty dirname | sort --unique)
failed=0 ran=0
for package in "${packages[@]}"; do
	listed=$(go test -list '^Fuzz' "$package")
	for target in $(grep '^Fuzz' <<<"$listed" | grep --extended-regexp "${FUZZ:-.}" || true); do
		ran=$((ran + 1))
		result=passed
		# Most targets involve goroutines, so coverage is never quite the same twice:
		# making inputs smaller by it would take most of the time.
		if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" -fuzzminimizetime 50x "$package" >"$log" 2>&1; then
			# Go before 1.27 may report its own deadline as a failure, go.dev/issue/75804.
			if [[ $(grep --after-context=1 '^--- FAIL' "$log" | tail -n 1) != "    context deadline exceeded" ]]; then
				result=FAILED
				failed=$((failed + 1))
				cat "$log" >&2
			fi
		fi
		figures=$(grep --only-matching 'execs: [0-9]*\|(total: [0-9]*' "$log" | tail -n 2 | grep --only-matching '[0-9]*' | tr '\n' ' ' || true)
		read -r execs inputs <<<"${figures:-0 0}" || true
		printf 'fuzz: %-24s %-24s %9s calls, %5s inputs kept: %s\n' "$package" "$target" "$execs" "$inputs" "$result"
	done
done
if ((ran == 0)); then
	echo "fuzz: no target was found" >&2
	exit 1
fi
echo "fuzz: $ran targets, $fuzztime each, $failed failed"
((failed == 0))
