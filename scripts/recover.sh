#!/bin/sh
# Repairs a workspace after a crash: checks it, backs up every record of its sessions, rebuilds the registry from git,
# and reports. It deletes nothing, and a second run finds nothing left to do.
#
#   scripts/recover.sh [--workspace PATH] [--dry-run]
#
# --dry-run shows what would be done and writes nothing, the backup neither.
#
# Exit codes:
#   0  everything is in order
#   1  recovered, but `wharf doctor` still finds something a person must look at
#   2  wrong arguments
#   3  no workspace there, or no `wharf` or `git` to work with
#   4  the backup could not be made; nothing was changed
#   5  `wharf recover` failed; the backup is complete
set -u

state_name=.claude-container-sessions.json
wharf=${WHARF:-wharf}

say() {
    printf '%s\n' "$*"
}

stop() {
    code=$1
    shift
    printf 'recover: %s\n' "$*" >&2
    exit "$code"
}

usage() {
    sed -n '2,/^set -u/{/^#/!d;s/^# \{0,1\}//;p;}' "$0"
}

workspace=${WHARF_WORKSPACE:-${WORKSPACE_ROOT:-/workspace}}
dry_run=false
while [ $# -gt 0 ]; do
    case $1 in
        --workspace)
            [ $# -ge 2 ] || stop 2 "--workspace needs a path"
            workspace=$2
            shift 2
            ;;
        --workspace=*)
            workspace=${1#--workspace=}
            shift
            ;;
        --dry-run)
            dry_run=true
            shift
            ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) stop 2 "unknown argument: $1 (see --help)" ;;
    esac
done

command -v "$wharf" >/dev/null 2>&1 || stop 3 "no \`$wharf\` on PATH; name it with WHARF=/path/to/wharf"
command -v git >/dev/null 2>&1 || stop 3 "no \`git\` on PATH"
workspace=$(CDPATH='' cd -- "$workspace" 2>/dev/null && pwd -P) || stop 3 "no such workspace"
state=$workspace/$state_name

# Calls "$1" with each record that git keeps for a session: of the worktrees that say where theirs is, and of the
# repositories at the workspace and one or two folders below it, whose worktree may be gone.
each_record() {
    for link in "$workspace"/.worktrees/*/.git; do
        if [ -f "$link" ]; then
            "$1" "$(sed -n 's/^gitdir: //p' "$link" | head -n 1)/session.json"
        fi
    done
    for repository in "$workspace" "$workspace"/* "$workspace"/*/*; do
        for record in "$repository"/.git/worktrees/*/session.json "$repository"/worktrees/*/session.json; do
            "$1" "$record"
        done
    done
}

describe() {
    if [ -L "$1" ]; then
        say "  $2: a link to $(readlink "$1")"
    elif [ -f "$1" ] && [ ! -r "$1" ]; then
        say "  $2: cannot be read by uid $(id -u); its owner is uid $(stat -c %u "$1")"
    elif [ -f "$1" ]; then
        say "  $2: $(wc -c <"$1" | tr -d ' ') bytes, $(cksum <"$1" | cut -d ' ' -f 1)"
    elif [ -e "$1" ]; then
        say "  $2: not a file"
    else
        say "  $2: missing"
    fi
}

say "1. check $workspace"
describe "$state" "state file"
backups=0
for backup in "$state".[1-9]; do
    [ -f "$backup" ] && backups=$((backups + 1))
done
broken=0
for copy in "$state".corrupt.*; do
    [ -f "$copy" ] && broken=$((broken + 1))
done
worktrees=0
for worktree in "$workspace"/.worktrees/*/; do
    [ -d "$worktree" ] && worktrees=$((worktrees + 1))
done
say "  backups: $backups; broken copies kept: $broken; worktrees: $worktrees"

if $dry_run; then
    say "2. back up: not in a dry run"
    say "3. recover (dry run)"
    "$wharf" --workspace "$workspace" recover --dry-run || stop 5 "\`wharf recover --dry-run\` failed with exit code $?"
    say "nothing was changed"
    exit 0
fi

say "2. back up"
# The backup is for its owner alone; what the recovery makes is as open as git would make it.
usual_umask=$(umask)
umask 077
# One folder for each run. `mkdir` without -p is what makes it ours alone, also when two runs begin in the same second.
mkdir -p "$workspace/.wharf/backup" || stop 4 "cannot make $workspace/.wharf/backup; nothing was changed"
stamp=$(date -u +%Y-%m-%dT%H%M%SZ)
number=0
folder=$workspace/.wharf/backup/$stamp
until mkdir "$folder" 2>/dev/null; do
    number=$((number + 1))
    [ "$number" -lt 100 ] || stop 4 "cannot make $folder; nothing was changed"
    folder=$workspace/.wharf/backup/$stamp-$number
done

kept=0
keep() {
    copy=$folder/$2
    if [ ! -f "$1" ] || [ -e "$copy" ]; then
        return
    fi
    if mkdir -p "${copy%/*}" && cp -p "$1" "$copy" && cmp -s "$1" "$copy"; then
        kept=$((kept + 1))
    else
        stop 4 "cannot back up $1 (what is in $folder is not complete); nothing was changed"
    fi
}
keep_record() {
    keep "$1" "records/${1#/}"
}
for file in "$state" "$state".[1-9]; do
    keep "$file" "${file##*/}"
done
each_record keep_record
sync
say "  $kept files in $folder"

umask "$usual_umask"

say "3. recover"
"$wharf" --workspace "$workspace" recover || stop 5 "\`wharf recover\` failed with exit code $?; the backup is in $folder"

say "4. doctor"
"$wharf" --workspace "$workspace" doctor
findings=$?

say "5. report"
"$wharf" --workspace "$workspace" list
describe "$state" "state file"
say "  backup: $folder"
if [ "$findings" -ne 0 ]; then
    stop 1 "recovered; what \`wharf doctor\` names above is left for you (its exit code was $findings)"
fi
say "everything is in order"
