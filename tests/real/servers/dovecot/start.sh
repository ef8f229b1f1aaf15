#!/usr/bin/env bash
# Dovecot on loopback with one user and a Maildir in FOLDER: IMAP at PORT, IMAP over TLS a thousand above.
# Usage: start.sh FOLDER PORT. Needs root, as its processes change their user.
set -euo pipefail
folder=${1:?usage: start.sh FOLDER PORT}; port=${2:?usage: start.sh FOLDER PORT}
user=desk@example.test; pass='s3cret "\пароль'
mkdir -p "$folder"/{run,mail,tls}
[ -s "$folder/tls/key.pem" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2 \
  -keyout "$folder/tls/key.pem" -out "$folder/tls/cert.pem" 2> "$folder/openssl.log"
id=$(id -u mail):$(id -g mail)
chown -R "$id" "$folder/mail"
hash=$(printf '%s\n%s\n' "$pass" "$pass" | doveadm -O pw -s SHA512-CRYPT)
printf '%s:%s:%s::%s::\n' "$user" "$hash" "$id" "$folder/mail" > "$folder/users"
chmod 644 "$folder/users"
cat > "$folder/dovecot.conf" <<C
protocols = imap
base_dir = $folder/run
state_dir = $folder/run
listen = 127.0.0.1, 127.0.0.2
log_path = $folder/dovecot.log
instance_name = deskyard-tests
ssl = yes
ssl_cert = <$folder/tls/cert.pem
ssl_key = <$folder/tls/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:$folder/mail/box
mail_fsync = never
passdb {
  driver = passwd-file
  args = scheme=SHA512-CRYPT username_format=%u $folder/users
}
userdb {
  driver = passwd-file
  args = username_format=%u $folder/users
}
namespace inbox {
  inbox = yes
  separator = /
}
service imap-login {
  inet_listener imap {
    port = $port
  }
  inet_listener imaps {
    port = $((port + 1000))
    ssl = yes
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
C
dovecot -c "$folder/dovecot.conf" > "$folder/start.log" 2>&1 < /dev/null  # it would keep our pipes open
up=
for _ in $(seq 50); do
  if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then up=1; break; fi
  sleep 0.1
done
[ -n "$up" ] || { tail -20 "$folder/dovecot.log" >&2; exit 1; }
echo "VERSION=$(dovecot --version | cut -d' ' -f1) USER=$user TLS_PORT=$((port + 1000)) CERT=$folder/tls/cert.pem"
