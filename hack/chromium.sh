#!/usr/bin/env bash
# Installs Chromium where Debian's packages can be had; elsewhere says what to do.
set -euo pipefail

if command -v chromium >/dev/null; then exit 0; fi
if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
	echo "chromium: it is not installed, and only root on Debian can have it installed here: install a program called chromium" >&2
	exit 1
fi
echo "chromium: installing Debian's package" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet --quiet
apt-get install --yes --quiet --quiet --no-install-recommends chromium fonts-dejavu-core >/dev/null
