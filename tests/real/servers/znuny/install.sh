#!/usr/bin/env bash
# Znuny 6.5 as Debian packages it (otrs2, section non-free), with PostgreSQL. Needs root. The machine's own list of
# package sources stays as it is: non-free is read from a list of this script's own, from the mirror configured here.
set -euo pipefail
[ -f /usr/share/otrs/RELEASE ] && [ -x /usr/lib/postgresql/15/bin/initdb ] && command -v starman > /dev/null &&
  perl -MREST::Client -MDBD::Pg -e 1 2> /dev/null && exit 0
mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources | head -1)
lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT
mkdir -p "$lists/state/partial"
chmod 755 "$lists"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main contrib non-free" \
  > "$lists/sources.list"
apt=(apt-get -o Dir::Etc::sourcelist="$lists/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::State::lists="$lists/state" -o DPkg::Lock::Timeout=300)
export DEBIAN_FRONTEND=noninteractive
"${apt[@]}" update -qq
echo "otrs2 otrs2/dbconfig-install boolean false" | debconf-set-selections
# REST::Client is what Znuny's webhooks need and the package forgets to ask for.
"${apt[@]}" install -y --no-install-recommends otrs2 libdbd-pg-perl librest-client-perl starman postgresql
