#!/usr/bin/env bash
# Dovecot as Debian packages it; it brings the users that its processes need. Needs root.
set -euo pipefail
[ -x /usr/sbin/dovecot ] && [ -x /usr/lib/dovecot/imap ] && command -v openssl > /dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 dovecot-imapd openssl
