#!/usr/bin/env bash
# A Roundup tracker on SQLite at 127.0.0.1. Usage: start.sh FOLDER PORT [HOOK_URL] [SCHEMA] [CALLS]
# SCHEMA: "classic" as Roundup ships it, or "queue": the same whose issues have a queue and a kind. CALLS: how many API
# calls an account has in a minute (0: as many as it likes). A webhook shows the secret HOOK_SECRET.
set -euo pipefail
usage="usage: start.sh FOLDER PORT [HOOK_URL] [SCHEMA] [CALLS]"
folder=${1:?$usage}; port=${2:?$usage}; hook=${3:-}; schema=${4:-queue}; calls=${5:-0}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${DESKYARD_REAL_VENVS:-$HOME/.cache/deskyard-real}/roundup/bin
tracker=$folder/tracker
mkdir -p "$folder"
if [ ! -f "$folder/ready" ]; then
  rm -rf "$tracker"
  settings="tracker_web=http://127.0.0.1:$port/,mail_domain=example.test,mail_host=localhost,mail_debug=$folder/mail.log"
  settings+=",admin_email=root@example.test,rdbms_name=roundup,web_api_calls_per_interval=$calls"
  settings+=",web_api_interval_in_sec=60,timezone=5"
  # Every call pays for the login's hash; the tests need not pay what a stolen database must cost.
  settings+=",password_pbkdf2_default_rounds=1000"
  "$bin/roundup-admin" -i "$tracker" install classic sqlite "$settings" > "$folder/install.log" 2>&1
  if [ "$schema" = queue ]; then cat "$here/queues.py.txt" >> "$tracker/schema.py"; fi
  if [ -n "$hook" ]; then
    cp "$here/../../../../deskyard/connectors/roundup/detector.py.txt" "$tracker/detectors/deskyard.py"
    printf '\n[deskyard]\nurl = %s\nsecret = %s\n' "$hook" "${HOOK_SECRET:-a-secret-of-the-tests}" \
      >> "$tracker/detectors/config.ini"
  fi
  "$bin/roundup-admin" -i "$tracker" initialise adminpass >> "$folder/install.log" 2>&1
  "$bin/python" "$here/fill.py" "$tracker" "$schema" >> "$folder/install.log" 2>&1
  touch "$folder/ready"
fi
setsid nohup "$bin/python" "$here/serve.py" "$tracker" "$port" > "$folder/web.log" 2>&1 < /dev/null &
echo $! > "$folder/pid"
up=
for _ in $(seq 80); do
  curl -fsS -o /dev/null -u alice:alicepass "http://127.0.0.1:$port/rest/" 2> /dev/null && up=1 && break
  sleep 0.25
done
[ -n "$up" ] || { tail -20 "$folder/web.log" "$folder/install.log" >&2; exit 1; }
version=$("$bin/python" -c 'import roundup; print(roundup.__version__)')
echo "URL=http://127.0.0.1:$port USER=router PASS=routerpass TRACKER=$tracker BIN=$bin VERSION=$version"
