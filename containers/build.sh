#!/usr/bin/env bash
# Build the image, bactofleet:latest; quick when nothing changed.
#
# usage: build.sh ENGINE
set -euo pipefail
cd "$(dirname "$0")/.."

engine=$1
build_base=$(containers/base.sh "$engine")
# Host network: a daemon without a bridge has no other, and the build listens on nothing.
"$engine" build --network host --build-arg BUILD_BASE="$build_base" \
    --file containers/Dockerfile --tag bactofleet:latest .
