#!/usr/bin/env bash
# Installs Debian's Chromium for the browser tests, as root and after saying so. Without it they
# are skipped, and say so themselves.
set -euo pipefail

if command -v chromium chromedriver >/dev/null; then exit 0; fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Chromium is not installed, so the browser tests will be skipped."
    exit 0
fi
echo "Installing chromium and chromium-driver for the browser tests."
apt-get update --quiet=2
DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends \
    chromium chromium-driver >/dev/null ||
    echo "They cannot be installed here, so the browser tests will be skipped."
