#!/usr/bin/env bash
# Check that the image can be built for arm64: every Debian package and every pinned wheel exists.
set -euo pipefail
cd "$(dirname "$0")/.."

engine=$(containers/engine.sh)
base=debian:trixie-slim
venv=.venv
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT

fail() {
    echo "error: $*" >&2
    exit 1
}

# Simulates the installation, so that the packages' own dependencies are looked at too.
check_packages() {
    "$engine" run --rm --network host \
        --volume "$PWD/containers:/containers:ro" "$base" bash -euc '
        dpkg --add-architecture arm64
        apt-get update -qq
        mapfile -t packages < <(sed "s/#.*//" /containers/packages.txt | xargs -n 1)
        for package in "${packages[@]}" openjdk-21-jdk-headless; do
            apt-cache show --no-all-versions "$package:arm64" >/dev/null 2>&1 \
                || apt-cache show --no-all-versions "$package" | grep -qx "Architecture: all" \
                || { echo "no arm64 package: $package" >&2; missing=1; }
        done
        [ -z "${missing:-}" ]'
}

# The Python of the image is Debian 13's. What has no wheel at all (pure Python, built from its
# source distribution in the image) is the same on every architecture.
check_wheels() {
    "$venv/bin/python" containers/requirements.py project <pyproject.toml >"$wheels/run.txt"
    "$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps \
        --dest "$wheels" --python-version 3.13 --implementation cp --abi cp313 --abi abi3 --abi none \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 \
        --platform manylinux2014_aarch64 --platform any --only-binary :all: -r "$1"
}

check_packages || fail "containers/packages.txt names packages that Debian 13 does not have for arm64"
"$engine" run --rm bactofleet:latest python -c '
from importlib.metadata import distributions
print("\n".join(f"{d.name}=={d.version}" for d in distributions()))
' >"$wheels/installed.txt"
check_wheels "$wheels/installed.txt"
