#!/bin/sh
# Make .venv with the exact versions of requirements.lock, or say in one sentence what is missing.
set -u
WANTED="Python 3.11, 3.12 or 3.13"

fail() { printf '%s\n' "$1" >&2; exit 1; }
fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

# Where only an unfit Python is, uv brings a fitting one; and pip brings uv, where it is not on PATH.
fetch() {
    uv=uv
    if ! command -v uv >/dev/null; then
        python3 -m venv "$fetched/uv" || return
        "$fetched/uv/bin/python" -m pip --retries 1 install --constraint requirements.lock uv || return
        uv=$fetched/uv/bin/uv
    fi
    "$uv" venv --python 3.13 "$fetched/python"
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" || fail "PYTHON names $PYTHON, which is not there or is not $WANTED: name another, or leave PYTHON out."
        python=$PYTHON
        return
    fi
    for python in python3 python3.13 python3.12 python3.11 python; do
        if fits "$python"; then return; fi
    done
    echo "No $WANTED was found: fetching 3.13 with uv ..."
    fetched=$(mktemp -d)
    trap 'rm -rf "$fetched"' EXIT
    fetch >/dev/null 2>&1 || fail "The course needs $WANTED, and uv could not fetch one: install one from your system or python.org, or name it with 'make lab PYTHON=/path/to/python3.12'."
    python=$fetched/python/bin/python
}

make_environment() {
    find_python
    "$python" -c 'import venv, ensurepip' 2>/dev/null || fail "This Python ($python) lacks its venv module: install it (on Debian and Ubuntu: apt install python3-venv) and try again."
    free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "$free" -ge 4 ] || fail "The environment needs 4 GB of free disk space, and this disk has $free GB: free some and try again."
    "$python" -m venv .venv || fail "Making the environment .venv failed; the lines above say why."
}

# An environment of another Python, or one left half made, cannot be mended, only made again.
if ! fits .venv/bin/python || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    rm -rf .venv
    make_environment
fi
echo "Installing the course into .venv (some minutes the first time) ..."
pip() { .venv/bin/python -m pip --disable-pip-version-check install --quiet --no-warn-script-location "$@"; }
pip --requirement requirements.lock || fail "Installing the packages failed; the lines above say why. A missing network connection is the usual reason."
pip --no-deps --no-build-isolation --editable . || fail "Installing the course's helper package failed; the lines above say why."
# Python 3.11 and 3.12 read this file in the locale's encoding, and in the C locale do not start where the path of the
# course has an umlaut. The relative path has none.
for link in .venv/lib/python3*/site-packages/nbhelpers.pth; do echo ../../../.. > "$link"; done
touch .venv/.installed
echo "Done."
