#!/usr/bin/env bash
# Build the image, bactofleet:latest; quick when nothing changed.
#
# Gets a container engine and the base image first, where they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

image=bactofleet:latest
log=.build/image.log
engine=$(containers/engine.sh)
build_base=$(containers/base.sh "$engine")

echo "Building the image $image, log in $log." >&2
mkdir -p .build
# Host network: a daemon without a bridge has no other, and the build listens on nothing.
"$engine" build --network host \
    --build-arg BASE=debian:trixie-slim --build-arg BUILD_BASE="$build_base" \
    --file containers/Dockerfile --tag "$image" . >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    echo "error: the image could not be built: the end of $log is above." >&2
    exit 1
}
