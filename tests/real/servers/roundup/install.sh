#!/usr/bin/env bash
# Roundup 2.6 in a virtual environment of its own: DESKYARD_REAL_VENVS, or ~/.cache/deskyard-real.
set -euo pipefail
venv=${DESKYARD_REAL_VENVS:-$HOME/.cache/deskyard-real}/roundup
[ -x "$venv/bin/roundup-admin" ] && exit 0
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check 'roundup==2.6.*'
