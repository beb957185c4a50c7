#!/bin/sh
# The one gate: what must be green before a change is handed over. Every step says its name and its time; what was
# skipped is said at the end. Where nobody sits at a terminal, a step that
# does not end is ended after half an hour, so that its name is known.
#
#   scripts/check.sh
#
# WHARF_CONTAINER_TEST=1 runs the container test or fails, 0 leaves it out; unset, it runs where a Docker engine answers.
# WHARF_BROWSER_TEST=1 runs the browser tests or fails, 0 leaves them out; unset, they run where Node and Chromium are.
set -eu
cd "$(dirname "$0")/.."

if [ -t 0 ]; then limit=''; else limit='timeout --kill-after=30 1800'; fi
skipped=''
docker=${DOCKER:-docker}

step() {
    name=$1
    shift
    printf '== %s\n' "$name"
    begun=$(date +%s)
    # shellcheck disable=SC2086 # several words, or none
    if $limit "$@"; then
        printf '== %s: ok, %s s\n' "$name" "$(($(date +%s) - begun))"
    else
        code=$?
        printf '== %s: FAILED with exit code %s, %s s\n' "$name" "$code" "$(($(date +%s) - begun))" >&2
        exit 1
    fi
}

skip() {
    skipped="$skipped
   $1: $2"
}

case ${WHARF_BROWSER_TEST:-} in
    1) browser=true ;;
    0) browser=false ;;
    *) if command -v node >/dev/null 2>&1 && [ -x "${CHROMIUM:-/usr/bin/chromium}" ]; then browser=true; else browser=false; fi ;;
esac

# First of all, since the page is a part of the binary that everything else looks at.
if $browser || command -v npm >/dev/null 2>&1; then
    step page scripts/page.sh
else
    skip page "no \`npm\` on PATH: the binary has the plain page"
fi
step format cargo fmt --check
step clippy cargo clippy --locked --all-targets -- -D warnings
step docs env RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps
step tests cargo test --locked
if $browser; then
    step browser scripts/browser-test.sh
else
    skip browser "no \`node\` on PATH, no Chromium, or WHARF_BROWSER_TEST=0"
fi

if command -v "${SCHEMATHESIS:-schemathesis}" >/dev/null 2>&1; then
    step api scripts/api-test.sh
else
    skip api "no \`schemathesis\` on PATH"
fi

if command -v shellcheck >/dev/null 2>&1; then
    step shellcheck shellcheck .ci/run docker/entrypoint.sh scripts/*.sh
else
    skip shellcheck "no \`shellcheck\` on PATH"
fi

if command -v cargo-deny >/dev/null 2>&1; then
    # The advisories are left to those who can reach their database.
    step dependencies cargo deny --log-level error check bans licenses sources
else
    skip dependencies "no \`cargo-deny\` on PATH"
fi

case ${WHARF_CONTAINER_TEST:-} in
    1) container=true ;;
    0) container=false ;;
    *) if "$docker" info >/dev/null 2>&1; then container=true; else container=false; fi ;;
esac
if $container; then
    step 'release build' cargo build --locked --release --bin wharf
    step containers scripts/container-test.sh
else
    skip containers "no Docker engine answers \`$docker info\`, or WHARF_CONTAINER_TEST=0"
fi

if [ -n "$skipped" ]; then
    printf '== skipped:%s\n' "$skipped"
fi
printf '== all green\n'
