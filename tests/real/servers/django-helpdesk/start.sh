#!/usr/bin/env bash
# A Django project with django-helpdesk and our add-on, on SQLite at 127.0.0.1. Usage: start.sh FOLDER PORT [HOOK_URL]
# Webhooks are signed with HOOK_SECRET.
set -euo pipefail
usage="usage: start.sh FOLDER PORT [HOOK_URL]"
folder=${1:?$usage}; port=${2:?$usage}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${DESKYARD_REAL_VENVS:-$HOME/.cache/deskyard-real}/django-helpdesk/bin
mkdir -p "$folder/site"
for each in settings urls seed people; do cp "$here/$each.py" "$folder/site/$each.py"; done
cp "$here/../../../../deskyard/connectors/django_helpdesk/addon.py.txt" "$folder/site/deskyard_helpdesk.py"
export DJANGO_SETTINGS_MODULE=settings PYTHONPATH=$folder/site FOLDER=$folder HOOK_URL=${3:-} PYTHONUNBUFFERED=1
if [ ! -f "$folder/token" ]; then
  rm -f "$folder/db.sqlite3"
  "$bin/django-admin" migrate -v0 > "$folder/install.log" 2>&1
  "$bin/python" "$folder/site/seed.py" > "$folder/token.new" 2>> "$folder/install.log"
  mv "$folder/token.new" "$folder/token"
fi
setsid nohup "$bin/django-admin" runserver --noreload "127.0.0.1:$port" > "$folder/web.log" 2>&1 < /dev/null &
echo $! > "$folder/pid"
up=
for _ in $(seq 120); do
  curl -fsS -o /dev/null -u router:routerpass "http://127.0.0.1:$port/deskyard/" 2> /dev/null && up=1 && break
  sleep 0.25
done
[ -n "$up" ] || { tail -20 "$folder/web.log" "$folder/install.log" >&2; exit 1; }
version=$("$bin/python" -c 'from importlib.metadata import version; print(version("django-helpdesk"))')
echo "URL=http://127.0.0.1:$port TOKEN=$(cat "$folder/token") BIN=$bin VERSION=$version"
