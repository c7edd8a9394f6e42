#!/bin/sh
# Make .venv with the exact versions of requirements.lock, or say in one sentence what is missing.
set -u
fail() { printf '%s\n' "$1" >&2; exit 1; }

python=
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "The course needs Python 3.11, 3.12 or 3.13, and none was found: install one from your system or python.org, or name it with 'make lab PYTHON=/path/to/python3.12'."
"$python" -c 'import venv, ensurepip' 2>/dev/null || fail "This Python ($python) lacks its venv module: install it (on Debian and Ubuntu: apt install python3-venv) and try again."
free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
[ -d .venv ] || [ "$free" -ge 4 ] || fail "The environment needs 4 GB of free disk space, and this disk has $free GB: free some and try again."

# An environment made by another Python cannot be mended, only made again.
if [ -d .venv ] && ! .venv/bin/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
    rm -rf .venv
fi
[ -d .venv ] || "$python" -m venv .venv || fail "Making the environment .venv failed; the lines above say why."
echo "Installing the course into .venv (some minutes the first time) ..."
pip() { .venv/bin/python -m pip --disable-pip-version-check install --quiet --no-warn-script-location "$@"; }
pip --requirement requirements.lock || fail "Installing the packages failed; the lines above say why. A missing network connection is the usual reason."
pip --no-deps --no-build-isolation --editable . || fail "Installing the course's helper package failed; the lines above say why."

# JupyterLab asks for news and updates over the network at its first start; the course does not.
settings=.venv/share/jupyter/lab/settings
mkdir -p "$settings"
echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' > "$settings/overrides.json"
touch .venv/.installed
echo "Done."
