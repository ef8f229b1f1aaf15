#!/usr/bin/env bash
# Request Tracker on SQLite at 127.0.0.1. Usage: start.sh FOLDER PORT [HOOK_URL]; a webhook shows the secret HOOK_SECRET.
set -euo pipefail
folder=${1:?usage: start.sh FOLDER PORT [HOOK_URL]}; port=${2:?usage: start.sh FOLDER PORT [HOOK_URL]}; hook=${3:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$folder"/{conf.d,log,mason,session}
cat > "$folder/site.pm" <<P
Set(\$rtname, 'rt.test'); Set(\$Organization, 'rt.test'); Set(\$Timezone, 'Asia/Yekaterinburg');
Set(\$DatabaseType, 'SQLite'); Set(\$DatabaseName, '$folder/rt.sqlite3');
Set(\$DatabaseUser, ''); Set(\$DatabasePassword, '');
Set(\$WebDomain, '127.0.0.1'); Set(\$WebPort, $port); Set(\$WebPath, ''); Set(\$WebBaseURL, 'http://127.0.0.1:$port');
Set(\$CorrespondAddress, 'rt\@example.test'); Set(\$CommentAddress, 'comment\@example.test'); Set(\$MailCommand, 'testfile');
Set(\$LogToSyslog, undef); Set(\$LogToSTDERR, 'warning'); Set(\$LogToFile, undef); Set(\$StatementLog, undef);
Set(\$MasonDataDir, '$folder/mason'); Set(\$MasonSessionDir, '$folder/session');
Set(\$WebSecureCookies, 0); Set(\$DevelMode, 0);
# Every call pays for the token's hash; the tests need not pay what a stolen database must cost.
Set(\$BcryptCost, 4);
1;
P
export RT_SITE_CONFIG=$folder/site.pm RT_SITE_CONFIG_DIR=$folder/conf.d
setup() { /usr/sbin/rt-setup-database-5 --dba '' --dba-password '' --force "$@" >> "$folder/log/setup.log" 2>&1; }
if [ ! -s "$folder/token" ]; then
  printf 'rootpass1' > "$folder/root.pw"
  setup --action init --skip-create --root-password-file "$folder/root.pw"
  setup --action insert --datafile "$here/seed.pl"
  if [ -n "$hook" ]; then
    DESKYARD_HOOK=$hook DESKYARD_SECRET=${HOOK_SECRET:-a-secret-of-the-tests} DESKYARD_SCRIP=$here/../../../../deskyard/connectors/request_tracker/scrip.pl \
      setup --action insert --datafile "$here/scrip.pl"
  fi
  perl "$here/token.pl" > "$folder/token.new" 2> "$folder/log/token.log"
  mv "$folder/token.new" "$folder/token"
fi
setsid nohup starman --listen "127.0.0.1:$port" --workers 3 --preload-app --pid "$folder/rt.pid" \
  -I /usr/share/request-tracker5/lib -e 'do "/usr/share/request-tracker5/libexec/rt-server" or die $@ || $!' \
  > "$folder/log/web.log" 2>&1 < /dev/null &
up=
for _ in $(seq 120); do
  curl -fsS -o /dev/null -H "Authorization: token $(cat "$folder/token")" "http://127.0.0.1:$port/REST/2.0/rt" \
    2> /dev/null && up=1 && break
  sleep 0.5
done
[ -n "$up" ] || { tail -20 "$folder/log/web.log" "$folder/log/setup.log" >&2; exit 1; }
version=$(curl -fsS -H "Authorization: token $(cat "$folder/token")" "http://127.0.0.1:$port/REST/2.0/rt" |
  sed -n 's/.*"Version" : "\([^"]*\)".*/\1/p')
echo "URL=http://127.0.0.1:$port/REST/2.0 USER=router TOKEN=$(cat "$folder/token") VERSION=$version"
