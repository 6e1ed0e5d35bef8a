#!/usr/bin/env bash
# Writes the table of all fields of a kind into the kind's page, between two marks.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
table=$(mktemp)
trap 'rm -f "$table"' EXIT

for kind in UserCredentialReset ResetApproval RocketChatWorkspace ResetRecord; do
	bin/crd-ref-docs --log-level ERROR --config hack/fields/config.yaml --source-path api --renderer markdown \
		--templates-dir hack/fields --template-value "kind=$kind" --output-path "$table"
	page=docs/${kind,,}.md
	awk -v table="$table" '
		/^<!-- end of the fields/ { inside = 0; ended++ }
		!inside { print }
		/^<!-- all fields/ { inside = 1; while ((getline line < table) > 0) if (line != "") print line }
		END { if (ended != 1) exit 1 }' "$page" >"$page.tmp" ||
		{ echo "fields: $page has no place for the fields: <!-- all fields --> and <!-- end of the fields -->" >&2; rm "$page.tmp"; exit 1; }
	mv "$page.tmp" "$page"
done
