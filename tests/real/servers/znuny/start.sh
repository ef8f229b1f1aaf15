#!/usr/bin/env bash
# Znuny on a PostgreSQL of its own at 127.0.0.1, with deskyard's add-on and web service as an administrator installs them.
# Usage: start.sh FOLDER PORT [HOOK_URL]; webhooks show the secret HOOK_SECRET. Needs root (see install.sh).
set -euo pipefail
folder=${1:?usage: start.sh FOLDER PORT [HOOK_URL]}; port=${2:?usage: start.sh FOLDER PORT [HOOK_URL]}; hook=${3:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
addon=$here/../../../../deskyard/connectors/znuny
home=$folder/home pgport=$((port + 1000)) bin=/usr/lib/postgresql/15/bin
mkdir -p "$folder"
cd "$folder"
if [ ! -d pg ]; then
  install -d -o postgres -g postgres pg
  runuser -u postgres -- $bin/initdb -D "$folder/pg" -A trust -U postgres --no-locale -E UTF8 > initdb.log
  printf "%s\n" "fsync=off" "synchronous_commit=off" "listen_addresses='127.0.0.1'" "port=$pgport" \
    "unix_socket_directories='$folder/pg'" >> pg/postgresql.conf
fi
$bin/pg_isready -q -h 127.0.0.1 -p "$pgport" ||
  runuser -u postgres -- $bin/pg_ctl -w -D "$folder/pg" -l "$folder/pg/server.log" start > /dev/null
sql() { PGOPTIONS='-c client_min_messages=warning' psql -q -h 127.0.0.1 -p "$pgport" -U postgres -v ON_ERROR_STOP=1 "$@"; }
if [ ! -f ready ]; then
  rm -rf "$home"
  cp -a /usr/share/otrs "$home"
  rm -rf "$home/var" "$home"/Kernel/Config.pm "$home"/Kernel/Config/{Files,Backups,GenericAgent.pm}
  cp -a /var/lib/otrs "$home/var"
  cp -aL /var/lib/otrs/Config/Files "$home/Kernel/Config/Files"
  mkdir -p "$home/Kernel/Config/Backups" "$home/Custom"
  cat > "$home/Kernel/Config.pm" <<P
package Kernel::Config;
use strict; use warnings; use utf8;
sub Load {
  my \$Self = shift;
  \$Self->{DatabaseHost} = '127.0.0.1'; \$Self->{Database} = 'znuny';
  \$Self->{DatabaseUser} = 'postgres'; \$Self->{DatabasePw} = '';
  \$Self->{DatabaseDSN} = "DBI:Pg:dbname=znuny;host=127.0.0.1;port=$pgport;";
  \$Self->{Home} = '$home'; \$Self->{SecureMode} = 1; \$Self->{FQDN} = 'znuny.test'; \$Self->{HttpType} = 'http';
  \$Self->{OTRSTimeZone} = 'Asia/Yekaterinburg';
  \$Self->{CheckEmailAddresses} = 0; \$Self->{CheckMXRecord} = 0;
  \$Self->{SendmailModule} = 'Kernel::System::Email::DoNotSendEmail';
  \$Self->{LogModule} = 'Kernel::System::Log::File'; \$Self->{'LogModule::LogFile'} = '$folder/znuny.log';
  return 1;
}
use Kernel::Config::Defaults; use parent qw(Kernel::Config::Defaults);
1;
P
  cp -a "$addon/addon/." "$home/"
  sql -c "drop database if exists znuny" -c "create database znuny encoding 'UTF8' template template0" postgres
  for part in schema initial_insert schema-post; do
    sql -d znuny -f "$home/scripts/database/$part.postgresql.sql" > /dev/null
  done
  perl "$home/bin/otrs.Console.pl" Maint::Config::Rebuild --allow-root > rebuild.log 2>&1
  perl "$here/seed.pl" "$home" > seed.log 2>&1
  # Without a daemon here, webhooks leave while the agent waits; an administrator changes the lines marked "yours" alone.
  site=$(sed -E 's|^(https?://[^/]+).*|\1|' <<< "${hook:-http://127.0.0.1:9}")
  path=${hook#"$site"}
  sed -e "s|the-secret-of-the-webhook|${HOOK_SECRET:-a-secret-of-the-tests}|" -e "s|/v1/hooks/znuny|${path:-/}|" \
    -e "s|https://deskyard.invalid|$site|" -e "s|Asynchronous: '1'|Asynchronous: '0'|" \
    "$addon/Deskyard.yml" > Deskyard.yml
  [ -n "$hook" ] || sed -i -e '/Events:/,/MappingInbound/{/Asynchronous/d;/Event: /d;s/Events:/Events: []/}' Deskyard.yml
  perl "$home/bin/otrs.Console.pl" Admin::WebService::Add --name Deskyard --source-path Deskyard.yml --allow-root \
    >> seed.log 2>&1
  touch ready
fi
setsid nohup starman --listen "127.0.0.1:$port" --workers 3 --pid "$folder/web.pid" "$home/bin/cgi-bin/app.psgi" \
  > web.log 2>&1 < /dev/null &
up=
for _ in $(seq 120); do
  curl -fsS -o /dev/null "http://127.0.0.1:$port/otrs/index.pl" 2> /dev/null && up=1 && break
  sleep 0.5
done
[ -n "$up" ] || { tail -20 web.log seed.log >&2; exit 1; }
version=$(dpkg-query -W -f '${Version}' otrs2)
echo "URL=http://127.0.0.1:$port/otrs/nph-genericinterface.pl/Webservice/Deskyard USER=router PASS=router-pass" \
  "HOME=$home VERSION=$version"
