#!/usr/bin/env bash
# End what start.sh started in FOLDER.
set -uo pipefail
folder=${1:?usage: stop.sh FOLDER}
[ -s "$folder/pid" ] || exit 0
pid=$(cat "$folder/pid")
kill "$pid" 2> /dev/null || true
for _ in $(seq 50); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
kill -9 "$pid" 2> /dev/null || true
rm -f "$folder/pid"
