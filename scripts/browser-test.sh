#!/bin/sh
# Uses the page as a person does, in a real Chromium, against a real `wharf serve` on fresh repositories.
#
#   scripts/browser-test.sh [BINARY]        default: target/debug/wharf, which must have been built with the page in it
#
# CHROMIUM      the browser (/usr/bin/chromium)
# WHARF_SHOTS   where pictures of the page go (web/shots)
#
# Needs what `scripts/page.sh` installed. Whatever it starts it also ends.
set -eu
cd "$(dirname "$0")/.."

binary=${1:-${CARGO_TARGET_DIR:-target}/debug/wharf}
[ -x "$binary" ] || {
    echo "no binary at $binary: cargo build" >&2
    exit 2
}
case $binary in
    /*) ;;
    *) binary=$PWD/$binary ;;
esac
cd web
WHARF_BINARY=$binary exec npm run --silent browser
