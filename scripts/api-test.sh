#!/usr/bin/env bash
# Tries what the server's own document promises: thousands of requests that fit it and that do not. A finding is a status, a
# type or a body that the document does not have, or a server that fails.
#
#   scripts/api-test.sh [BINARY]        default: target/debug/wharf
#
# WHARF_API_EXAMPLES   how many requests each operation gets (20)
# WHARF_TEST_SEED      where the dice begin (1), so that the gate fails for the change at hand
# SCHEMATHESIS         the program (schemathesis)
#
# Needs schemathesis (`pip install schemathesis`), jq and git; without schemathesis it says so and ends with 77.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/debug/wharf}")
schemathesis=${SCHEMATHESIS:-schemathesis}
if ! command -v "$schemathesis" >/dev/null; then
    echo 'api test left out: schemathesis is not installed; install it with pip into a virtual environment, and put it on PATH'
    exit 77
fi

folder=$(mktemp -d)
server=
cleanup() {
    trap - EXIT INT TERM
    if [ -n "$server" ]; then
        # Whatever the requests started ends too.
        wharf list --quick --json | jq --raw-output '.[].name' | while read -r name; do
            wharf destroy "$name" --force >/dev/null 2>&1 || true
        done
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    # What was cut off in the middle may write a last word.
    for _ in $(seq 50); do
        rm -rf "$folder" 2>/dev/null && return
        sleep 0.1
    done
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

wharf() {
    env -i PATH="$PATH" HOME="$folder/home" XDG_RUNTIME_DIR="$folder/run" WHARF_WORKSPACE="$folder/work" \
        GIT_CONFIG_NOSYSTEM=1 WHARF_POOL_SIZE=0 WHARF_BACKGROUND=off "$binary" "$@"
}

mkdir -p "$folder/home/.config/wharf" "$folder/run" "$folder/work"
chmod 700 "$folder/run"
git -C "$folder/work" init --quiet --initial-branch=main
git -C "$folder/work" -c user.name=a -c user.email=a@localhost commit --quiet --allow-empty --message=first
printf '[server]\nchanges_per_second = 100000\n[git]\ntime_limit = 60\n' >"$folder/home/.config/wharf/config.toml"
begin() {
    wharf create "$1" >/dev/null
    wharf start "$1" -- cat >/dev/null
    wharf show "$1" --json | jq --raw-output .id
}
one=$(begin one)
# Its program is never ended.
two=$(begin two)
wharf serve --listen 127.0.0.1:0 --json >"$folder/ready" &
server=$!
for _ in $(seq 300); do
    [ -s "$folder/ready" ] && jq --exit-status .url "$folder/ready" >/dev/null 2>&1 && break
    sleep 0.1
done
url=$(jq --raw-output .url "$folder/ready")
server=$(jq --raw-output .pid "$folder/ready")
token=$(cat "$(jq --raw-output .tokenFile "$folder/ready")")

# Events have no end, a terminal and events over a WebSocket are no requests, and a command may well take as long as its timeout.
cat >"$folder/config.toml" <<'END'
# Names, branches, signals and keys follow rules that no schema tells; what breaks one is 422. A link that is not good is 410.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 410, 413, 422, 429, 503]
END
# Where something can be learned of a session that is there, it is asked about that; only a destroy looks for its own.
# session, operations
about() {
    local who=$1 operation
    shift
    for operation; do
        printf '[[operations]]\ninclude-name = "%s"\nparameters = { "path.who" = "%s" }\n' "${operation/ / /api/v1}" "$who"
    done >>"$folder/config.toml"
}
about "$one" 'GET /sessions/{who}' 'PATCH /sessions/{who}' 'POST /sessions/{who}/exec' 'GET /sessions/{who}/'{history,conversations} \
    'POST /sessions/{who}/'{start,stop,kill,restart,resume}
about "$two" 'GET /sessions/{who}/screen' 'POST /sessions/{who}/send'
"$schemathesis" --config-file "$folder/config.toml" run "$url/openapi.json" --header "Authorization: Bearer $token" \
    --max-examples "${WHARF_API_EXAMPLES:-20}" --seed "${WHARF_TEST_SEED:-1}" --request-timeout 60 --no-color \
    --exclude-path-regex '/(events|events/socket|terminal)$' | tee "$folder/said"
# What was destroyed or brought back is not there to be so again, so these two find theirs only now and then.
missing=$(sed --quiet '/^Missing test data/,/^💡/{/^  - /p}' "$folder/said" |
    grep --invert-match --fixed-strings -e 'DELETE /api/v1/sessions/{who}' -e 'POST /api/v1/undo' || true)
if [ -n "$missing" ]; then
    printf 'api test failed: these were asked about nothing that is there; name something for them above\n%s\n' "$missing" >&2
    exit 1
fi
wharf doctor --quick
kill -0 "$server"
