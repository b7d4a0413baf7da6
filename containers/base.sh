#!/usr/bin/env bash
# Make sure that the base images exist: debian:trixie-slim, and the one of the build stages.
#
# usage: base.sh ENGINE
# Prints the name of the build stages' base.
set -euo pipefail
cd "$(dirname "$0")/.."

engine=$1
base=debian:trixie-slim
pinned=$(sed -n 's/^ARG BASE=//p' containers/Dockerfile)
build_base=localhost/bactofleet-build-base
ca_folder=/usr/local/share/ca-certificates
mirror=http://deb.debian.org/debian
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
log=.build/base.log

say() { echo "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

has_image() { "$engine" image inspect "$1" >/dev/null 2>&1; }

# By its digest: a tag may name another image tomorrow.
pull_base() {
    "$engine" pull "$pinned" >&2 && "$engine" tag "$pinned" "docker.io/library/$base"
}

# The mirror is read by plain HTTP, so its signature must be checked with Debian's own keys.
install_debootstrap() {
    command -v debootstrap >/dev/null && [ -e "$keyring" ] && return
    say "Installing debootstrap and Debian's keys, to make $base here."
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        debootstrap debian-archive-keyring gpgv >/dev/null
}

# Built like Debian's slim image: minbase, without documentation and translations.
make_base() {
    [ "$(id -u)" = 0 ] || fail "$base cannot be pulled. Ask for access to a registry, or run this command as root, which makes it with debootstrap."
    install_debootstrap
    say "$base cannot be pulled: making it with debootstrap from $mirror, log in $log."
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    mkdir -p .build
    debootstrap --force-check-gpg --keyring="$keyring" --variant=minbase trixie "$root" "$mirror" >"$log" 2>&1 || fail "debootstrap failed: see $log"
    cat >"$root/etc/apt/sources.list" <<EOF
deb $mirror trixie main
deb $mirror trixie-updates main
deb $mirror-security trixie-security main
EOF
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin \
        "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/etc/resolv.conf "$root"/etc/hostname
    find "$root/usr/share/doc" -type f,l ! -name copyright -delete
    find "$root/usr/share/"{man,info,locale} -mindepth 1 -delete
    tar --create --directory "$root" --numeric-owner . | "$engine" import - "$base" >&2
}

# apt uses plain HTTP; pip needs this machine's certificates if a proxy inspects TLS.
make_build_base() {
    local output
    output=$("$engine" build --tag "$build_base" --file - "$ca_folder" 2>&1 <<EOF
FROM $base
COPY *.crt $ca_folder/
EOF
    ) || fail "$build_base could not be built: $output"
}

if ! has_image "$base"; then
    pull_base || make_base
fi
if compgen -G "$ca_folder/*.crt" >/dev/null; then
    make_build_base
    echo "$build_base"
else
    echo "$base"
fi
