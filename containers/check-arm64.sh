#!/usr/bin/env bash
# Check that the image can be built for arm64: every Debian package and every pinned wheel exists.
set -euo pipefail
cd "$(dirname "$0")/.."

engine=$(containers/engine.sh)
base=debian:trixie-slim
venv=.venv
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "error: $*" >&2
    exit 1
}

# Let apt plan the installation with all dependencies on an empty arm64 system.
check_packages() {
    "$engine" run --rm --network host --volume "$PWD/containers:/containers:ro" "$base" bash -euc '
        options=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::status=/tmp/status)
        touch /tmp/status
        apt-get "${options[@]}" update -qq
        awk -f /containers/packages.awk -v architecture=arm64 /containers/packages.txt \
            | xargs apt-get "${options[@]}" install --simulate --no-install-recommends \
                binutils openjdk-21-jdk-headless python3-venv \
            | grep -c ^Inst'
}

# The image has the Python of Debian 13. connection_pool is pure Python without a wheel.
check_wheels() {
    grep -v '^connection_pool==' "$1" \
        | "$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$folder" \
            --python-version 3.13 --implementation cp --abi cp313 --abi abi3 --abi none \
            --platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 \
            --platform manylinux2014_aarch64 --only-binary :all: --requirement /dev/stdin
}

packages=$(check_packages) || fail "apt cannot install containers/packages.txt on arm64: see above"
echo "Debian packages of the image for arm64: $packages with their dependencies, all there."
"$engine" run --rm bactofleet:latest python -c '
from importlib.metadata import distributions
print("\n".join(f"{d.name}=={d.version}" for d in distributions() if d.name != "bactofleet"))
' >"$folder/installed.txt"
check_wheels "$folder/installed.txt"
echo "Python packages of the image for arm64: $(wc -l <"$folder/installed.txt"), all there."
