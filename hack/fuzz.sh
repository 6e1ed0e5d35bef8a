#!/usr/bin/env bash
# Runs every fuzz target of the module for FUZZTIME, one on each core, and prints what
# each came to. Targets are found, not listed: a new one is run from its first day on.
# FUZZ, a regular expression, chooses some of them. An input that fails is written into
# testdata/fuzz of its package, where it is a test from then on.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
fuzztime=${FUZZTIME:-30s}
if [[ ! $fuzztime =~ ^[0-9]+s$ ]]; then
	echo "fuzz: FUZZTIME is $fuzztime, but must be seconds, such as 30s" >&2
	exit 1
fi
export fuzztime=${fuzztime%s}

# run fuzzes a target for a time, and leaves what was said in a file.
run() {
	local package=$1 target=$2 span=$3 log=$4
	# Most targets involve goroutines, so coverage is never quite the same twice:
	# making inputs smaller by it would take most of the time.
	if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$span" -fuzzminimizetime 50x -parallel 1 "$package" >"$log" 2>&1; then
		# Go before 1.27 may report its own deadline as a failure, go.dev/issue/75804.
		[[ $(grep --after-context=1 '^--- FAIL' "$log" | tail -n 1) == "    context deadline exceeded" ]]
	fi
}

# fuzz runs one target of a package and prints what it came to. Where the time passes
# with what was kept of earlier runs, it is given four times as long.
fuzz() {
	local package=$1 target=$2 result=passed log span execs=0 inputs=0
	log=$(mktemp)
	trap 'rm -f "$log"' RETURN
	for span in "${fuzztime}s" "$((4 * fuzztime))s"; do
		run "$package" "$target" "$span" "$log" || result=FAILED
		execs=$(grep --only-matching 'execs: [0-9]*' "$log" | tail -n 1 | tr --complement --delete '0-9')
		inputs=$(grep --only-matching '(total: [0-9]*' "$log" | tail -n 1 | tr --complement --delete '0-9')
		if [[ $result == FAILED || ${execs:-0} -gt ${inputs:-0} ]]; then break; fi
	done
	if [[ $result == FAILED ]]; then cat "$log" >&2; fi
	if [[ $result == passed && ${execs:-0} -le ${inputs:-0} ]]; then result="passed with what was kept, too much for the time"; fi
	printf 'fuzz: %-24s %-24s %9s calls, %5s inputs kept: %s\n' "$package" "$target" "${execs:-0}" "${inputs:-0}" "$result"
	[[ $result != FAILED ]]
}
export -f run
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
echo "fuzz: $((${#targets[@]} / 2)) targets, ${fuzztime}s each, $( ((failed)) && echo "some failed" || echo "none failed")"
((!failed))
