#!/usr/bin/env bash
# Publish the image of this version in a registry, or save it to a file for places without one.
#
# usage: release.sh REPOSITORY   such as ghcr.io/my-lab/bactofleet (`docker login ghcr.io` first)
#        release.sh --save FILE  an archive for `docker load`, `podman load` and Apptainer
#
# With Docker's buildx a published image is for amd64 and arm64, else for this machine's
# architecture. Prints the image with its digest, as BACTOFLEET_IMAGE and `image:` take it.
set -euo pipefail
shopt -s inherit_errexit # or a push that failed would leave a name without a digest
directory=$PWD
cd "$(dirname "$0")/.."

image=bactofleet:latest
platforms=linux/amd64,linux/arm64
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' src/bactofleet/__init__.py)

usage() {
    sed -n 's/^# \(usage:.*\|       release.*\)/\1/p' "$0" >&2
    exit 2
}

save() {
    containers/build.sh
    cd "$directory"
    "$engine" save --output "$1" "$image"
    echo "$1"
}

# For all platforms at once: Docker without buildx cannot.
publish_all() {
    local metadata
    metadata=$(mktemp)
    trap 'rm -f "$metadata"' RETURN
    docker buildx build --platform "$platforms" --push --tag "$1:$version" \
        --metadata-file "$metadata" --file containers/Dockerfile . >&2
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["containerimage.digest"])' "$metadata"
}

publish_one() {
    containers/build.sh
    "$engine" tag "$image" "$1:$version"
    "$engine" push "$1:$version" >&2
    "$engine" image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1:$version" \
        | sed -n "s#^$1@##p"
}

[ $# -gt 0 ] || usage
engine=$(containers/engine.sh)
case $1 in
    --save)
        [ $# = 2 ] || usage
        save "$2"
        ;;
    -*) usage ;;
    *)
        [ $# = 1 ] || usage
        if "$engine" buildx version >/dev/null 2>&1; then
            digest=$(publish_all "$1")
        else
            echo "No buildx here: the image will be for $(uname -m) only." >&2
            digest=$(publish_one "$1")
        fi
        echo "$1@$digest"
        ;;
esac
