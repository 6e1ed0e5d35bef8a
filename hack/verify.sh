#!/usr/bin/env bash
# Generates everything in a copy of the tree and shows what differs, so that a
# check never edits the tree and works on one with changes.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

cd "$root"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
	[[ ! -e "$file" ]] || printf '%s\0' "$file"
done | tar --null --files-from=- --create | tar --extract --directory "$copy"
mkdir -p "$copy/bin"
for tool in "$root"/bin/controller-gen "$root"/bin/crd-ref-docs "$root"/bin/golangci-lint; do
	[[ ! -e "$tool" ]] || ln -s "$tool" "$copy/bin/"
done
cp -a "$copy" "$copy.before"
trap 'rm -rf "$copy" "$copy.before"' EXIT

make --no-print-directory --directory "$copy" generate tidy fmt >/dev/null

# What the pages claim is shown by tests that exist.
missing=0
for test in $(grep --no-filename --only-matching '`Test[A-Za-z0-9]*`' docs/*.md | tr -d '`' | sort --unique); do
	grep --quiet --recursive --include='*_test.go' "^func $test(" . || { echo "verify: docs name the test $test, which does not exist" >&2; missing=1; }
done
((missing == 0)) || exit 1

if ! diff --recursive --unified --exclude=bin "$copy.before" "$copy"; then
	echo "verify: the files above differ from what 'make generate tidy fmt' makes: run it and commit the result" >&2
	exit 1
fi
