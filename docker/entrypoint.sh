#!/bin/sh
# Brings the sessions back, then becomes `wharf init`, which runs the command. It starts the command whatever happens
# before: a workspace that cannot be restored is one a person must be able to look into. What happened is on stderr; stdout
# is the command's.
#
# WHARF_RESTORE_SECONDS   how long the restore may take (120)
# WHARF_RESUME            1: what the last stop or restart of the container ended is started again
set -u

restore_seconds=${WHARF_RESTORE_SECONDS:-120}

say() {
    printf 'wharf-entrypoint: %s\n' "$*" >&2
}

# HOME may be missing or belong to somebody else: a foreign uid, a read-only image.
if [ -z "${HOME:-}" ] || [ ! -d "$HOME" ] || [ ! -w "$HOME" ]; then
    home=${TMPDIR:-/tmp}/home-$(id -u)
    mkdir -m 0700 "$home" 2>/dev/null
    if [ -d "$home" ] && [ ! -L "$home" ] && [ -O "$home" ]; then
        say "HOME ${HOME:-(unset)} is not writable, using $home"
        export HOME="$home"
    else
        say "HOME ${HOME:-(unset)} is not writable and no other could be made"
    fi
fi

# The image sets these for all users; they are missing when somebody mounts a system configuration of their own.
default() {
    if ! git -C / config --get "$1" >/dev/null 2>&1; then
        git -C / config --global "$1" "$2" || say "git's $1 could not be set"
    fi
}
default safe.directory '*'
default user.name wharf
default user.email wharf@localhost

# Killing a restore that hangs is safe: whatever it had begun is in the journal, and the next one ends it. Until `wharf init`
# takes over, this shell is the first process, which no signal ends without a trap.
timeout -k 5 "$restore_seconds" wharf restore >&2 &
restore=$!
trap 'kill -TERM "$restore" 2>/dev/null; wait "$restore"; exit 143' TERM INT
wait "$restore"
code=$?
trap - TERM INT
case $code in
    0) ;;
    124 | 137) say "restore did not end within $restore_seconds s and was stopped; starting anyway, run \`wharf restore\` by hand" ;;
    *) say "restore failed with exit code $code; starting anyway, run \`wharf doctor\` to see why, \`wharf-recover\` to repair" ;;
esac

# A server that fails is started again, for the sessions do not need it; any other command is the container's life.
if [ "${1:-} ${2:-}" = 'wharf serve' ]; then
    set -- --restart -- "$@"
else
    set -- -- "$@"
fi

if [ "${WHARF_RESUME:-0}" = 1 ]; then
    exec wharf init --resume "$@"
fi
exec wharf init "$@"
