#!/usr/bin/env bash
# Request Tracker 5 as Debian packages it, with SQLite: no database server, no web server. Needs root.
set -euo pipefail
[ -x /usr/sbin/rt-setup-database-5 ] && command -v starman > /dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 \
  request-tracker5 rt5-standalone rt5-db-sqlite rt5-clients dbconfig-no-thanks starman
