#!/usr/bin/env bash
# Installs what some tests need besides the environment and the image, as root and after saying so.
# Without it these tests are skipped, and say so themselves.
set -euo pipefail

# usage: install TESTS PROGRAM PACKAGE...
install() {
    local tests=$1 program=$2
    shift 2
    if command -v "$program" >/dev/null; then return; fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "$program is not installed, so $tests will be skipped."
        return
    fi
    echo "Installing $* for $tests."
    apt-get update --quiet=2 &&
        DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends \
            "$@" >/dev/null ||
        echo "They cannot be installed here, so $tests will be skipped."
}

install "the browser tests" chromedriver chromium chromium-driver
install "the soak of tests/aws" cc gcc libc6-dev
