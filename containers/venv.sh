#!/usr/bin/env bash
# Make the Python environment with the project, and with the packages of a lock file.
#
# usage: venv.sh FOLDER run|dev
#        run: what a run needs, as in the image
#        dev: also what tests, checks and documentation need
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
lock=requirements/$2.txt

fail() {
    echo "error: $*" >&2
    exit 1
}

has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

install_venv() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "Python's venv module is missing: install it (apt-get install python3-venv), or run this command as root, which does."
    fi
    echo "Python's venv module is missing: installing it (Debian/Ubuntu package python3-venv)." >&2
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
}

# Print the lock file; that of a run without the packages that the image leaves out, too.
requirements() {
    if [ "$lock" != requirements/run.txt ]; then
        cat "$lock"
        return
    fi
    awk 'NR == FNR { unused[$1]; next }
         /^[a-z0-9]/ { split($1, name, /[[=]/); is_unused = name[1] in unused }
         !is_unused' containers/python-unused.txt "$lock"
}

command -v python3 >/dev/null || fail "python3 is missing: install Python 3.11 or later."
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || fail "$(python3 --version) is too old: install Python 3.11 or later."
has_venv || install_venv
[ -x "$folder/bin/pip" ] || python3 -m venv "$folder"
echo "Installing the Python packages of $lock into $folder." >&2
install() { "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"; }
install --require-hashes --requirement requirements/build.txt
# The lock file is complete; pip would ask for what is left out.
requirements | install --require-hashes --no-deps --requirement /dev/stdin
install --no-deps --no-build-isolation \
    --editable packages/snakemake-executor-plugin-aws-batch-array \
    --editable packages/snakemake-scheduler-plugin-first-fit \
    --editable .
