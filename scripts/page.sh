#!/bin/sh
# Builds the page into `web/dist`, from where the next `cargo build` takes it: installs what the lock names, checks the types,
# runs the tests of its parts, builds. Needs Node 18 or newer and npm.
#
#   scripts/page.sh
set -eu
cd "$(dirname "$0")/../web"

# Who builds this elsewhere has another way to the packages.
if grep --quiet --extended-regexp 'https?://' package-lock.json; then
    echo 'web/package-lock.json names hosts: install with the settings of web/.npmrc, and take "funding" out' >&2
    exit 1
fi
# What is installed says so itself, and is newer than the lock that it was made from.
if [ -z "$(find node_modules/.package-lock.json -newer package-lock.json 2>/dev/null)" ]; then
    npm ci --no-audit --no-fund --loglevel=error
    touch node_modules/.package-lock.json
fi
npm run --silent types
npm run --silent unit
npm run --silent build
