#!/bin/sh
# What the tests need from the system, for Debian and its relatives. Each package is named before it is installed. Where
# none may be installed (no apt, or neither root nor sudo without a password) nothing happens here: the tests that need one
# are skipped and say so.
#
#   tests/system_packages.sh           what the tests in a real browser need: chromium, fonts, libatomic
#   tests/system_packages.sh venv      what `python3 -m venv` needs; an error where it stays missing
#   tests/system_packages.sh java      Java, for Spark; an error where it stays missing
set -eu
python=${PYTHON:-python3}

has_font() { # for Cyrillic: a browser without one shows boxes
    for folder in /usr/share/fonts /usr/local/share/fonts "${HOME:-/root}/.fonts" "${HOME:-/root}/.local/share/fonts"; do
        if [ -d "$folder" ] && [ -n "$(find "$folder" \( -name 'NotoSans-Regular*' -o -name 'DejaVuSans.*' -o -name 'LiberationSans-Regular*' \) -print -quit)" ]; then
            return 0
        fi
    done
    return 1
}

has_libatomic() { # for the program that Playwright drives a browser with
    [ -n "$(find /lib /usr/lib /usr/local/lib -name 'libatomic.so.1' -print -quit 2>/dev/null)" ]
}

missing=""
case "${1:-tests}" in
tests)
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
        missing="chromium"
    has_font || missing="$missing fonts-noto-core"
    has_libatomic || missing="$missing libatomic1"
    ;;
venv) "$python" -c "import ensurepip" 2>/dev/null || missing="python3-venv" ;;
java) command -v java >/dev/null || missing="default-jre-headless" ;;
*)
    echo "tests/system_packages.sh knows tests, venv and java, not $1." >&2
    exit 2
    ;;
esac
missing=${missing# }
[ -n "$missing" ] || exit 0

may=""
if command -v apt-get >/dev/null; then
    if [ "$(id -u)" = 0 ]; then may="env"; elif sudo -n true 2>/dev/null; then may="sudo -n env"; fi
fi
if [ -n "$may" ]; then
    echo "Installing what is missing on this system:"
    for package in $missing; do echo "  $package"; done
    if told=$($may DEBIAN_FRONTEND=noninteractive apt-get update -qq 2>&1 &&
        $may DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing 2>&1); then
        exit 0
    fi
    echo "$told" >&2
    echo "These packages could not be installed." >&2
fi
case "${1:-tests}" in
venv)
    echo "This Python can't make a virtual environment. Install what it lacks, then run make again:" >&2
    echo "  apt-get install python3-venv" >&2
    exit 1
    ;;
java)
    echo "Spark needs Java. Install it, then run make again:" >&2
    echo "  apt-get install default-jre-headless" >&2
    exit 1
    ;;
esac
