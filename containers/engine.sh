#!/usr/bin/env bash
# Print the container engine to use, docker or podman; install and start Docker if there is none.
#
# Installs only as root, and says so first. Without an init system, starts the daemon itself.
set -euo pipefail
cd "$(dirname "$0")/.."

WAIT_S=30
# What a daemon may need in a container or sandbox: no firewall of its own, another storage driver.
DAEMON_OPTIONS=(
    ""
    "--storage-driver=fuse-overlayfs"
    "--iptables=false --ip6tables=false --bridge=none"
    "--iptables=false --ip6tables=false --bridge=none --storage-driver=vfs"
)

say() { echo "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

answers() { docker info >/dev/null 2>&1; }

install_docker() {
    is_root || fail "no Docker daemon on this machine: install Docker (apt-get install docker.io) or Podman, or run this command as root, which installs Docker."
    command -v apt-get >/dev/null || fail "no Docker daemon and no apt-get on this machine: install Docker or Podman."
    say "No Docker daemon on this machine: installing Docker (Debian/Ubuntu package docker.io)."
    apt-get update -qq >/dev/null
    # Since Debian 13 the client is a separate package.
    local packages=(docker.io)
    if apt-cache show docker-cli >/dev/null 2>&1; then packages+=(docker-cli); fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

has_init() { [ -d /run/systemd/system ]; }

start_daemon() {
    is_root || fail "Docker's daemon does not answer, or this user may not use it: start it (systemctl start docker), and add the user to its group (usermod -aG docker USER, then log in again)."
    if has_init; then
        say "Starting Docker's daemon (systemctl start docker)."
        systemctl start docker
        answers || fail "Docker's daemon does not answer: see journalctl -u docker"
        return
    fi
    mkdir -p .build
    local options
    for options in "${DAEMON_OPTIONS[@]}"; do
        say "Starting Docker's daemon (dockerd $options), log in .build/dockerd.log."
        # shellcheck disable=SC2086 # options are words
        setsid dockerd $options >.build/dockerd.log 2>&1 </dev/null &
        if wait_for_daemon $!; then return; fi
    done
    fail "Docker's daemon does not start: see .build/dockerd.log"
}

# Wait until the daemon with this process id answers; false if it ends or time runs out.
wait_for_daemon() {
    local second
    for ((second = 0; second < WAIT_S; second++)); do
        answers && return
        kill -0 "$1" 2>/dev/null || return 1
        sleep 1
    done
    kill "$1"
    return 1
}

# As `bactofleet run` chooses: who may not use Docker uses Podman if it is here.
may_start_docker() { is_root || ! command -v podman >/dev/null; }

if command -v docker >/dev/null && { answers || may_start_docker; }; then
    if ! answers; then
        # There may be a client without a daemon; the distribution's package has the daemon.
        if is_root && ! command -v dockerd >/dev/null; then install_docker; fi
        start_daemon
    fi
    echo docker
elif command -v podman >/dev/null; then
    echo podman
else
    install_docker
    answers || start_daemon
    echo docker
fi
