#!/usr/bin/env bash
# Installs the real help desks that `make real` tests against: Debian's packages as root, PyPI's into folders of their own.
set -euo pipefail
cd "$(dirname "$0")/servers"
for each in */install.sh; do
  echo "installing ${each%/*}"
  bash "$each"
done
