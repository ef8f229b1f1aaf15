#!/usr/bin/env bash
# django-helpdesk 2.6.1 in a virtual environment of its own: DESKYARD_REAL_VENVS, or ~/.cache/deskyard-real.
set -euo pipefail
venv=${DESKYARD_REAL_VENVS:-$HOME/.cache/deskyard-real}/django-helpdesk
[ -f "$venv/ready" ] && exit 0
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check django-helpdesk==2.6.1 django-bootstrap4-form packaging
touch "$venv/ready"
