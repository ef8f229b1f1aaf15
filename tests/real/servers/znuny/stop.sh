#!/usr/bin/env bash
# End what start.sh started in FOLDER.
set -uo pipefail
folder=${1:?usage: stop.sh FOLDER}
if [ -s "$folder/web.pid" ]; then
  pid=$(cat "$folder/web.pid")
  kill "$pid" 2> /dev/null || true
  for _ in $(seq 50); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2> /dev/null || true
  rm -f "$folder/web.pid"
fi
[ ! -s "$folder/pg/postmaster.pid" ] ||
  runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_ctl -m immediate -D "$folder/pg" stop > /dev/null
