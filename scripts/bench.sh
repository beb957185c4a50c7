#!/usr/bin/env bash
# How fast wharf is as a whole process, beside plain git in the same run.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'HELP'
Usage: scripts/bench.sh [--runs N] [--files "N…"] [--sessions "N…"] [--dir PATH] [--wharf PATH]

Makes repositories in a temporary folder, runs wharf and git there in turns (A B A B), and prints a Markdown table
of medians. The folder is removed at the end. Worktrunk is measured beside them where `wt` is installed, and what it
costs to make a create durable where `strace` is.

  --runs N         pairs of runs for each line of the table; fewer where each takes long [21]
  --files "N…"     sizes of the repositories for create, in all its ways, and destroy ["250 5000 50000"]
  --sessions "N…"  how many sessions to list, look up and restore, and to create one more beside ["4 100 1000"]
  --dir PATH       where the temporary folder is made; decides the file system [$TMPDIR, else /tmp]. In memory
                   (/dev/shm) it costs nothing to make something durable
  --wharf PATH     the program [target/release/wharf, which is built first]
HELP
}

fail() {
    printf 'bench: %s\n' "$1" >&2
    exit 1
}

runs=21
files="250 5000 50000"
sessions="4 100 1000"
parent=${TMPDIR:-/tmp}
wharf=
while (($#)); do
    case $1 in
    --help | -h) usage && exit 0 ;;
    --runs | --files | --sessions | --dir | --wharf) [[ $# -ge 2 ]] || fail "$1 needs a value" ;;
    *) usage >&2 && exit 2 ;;
    esac
    case $1 in
    --runs) runs=$2 ;;
    --files) files=$2 ;;
    --sessions) sessions=$2 ;;
    --dir) parent=$2 ;;
    --wharf) wharf=$(realpath "$2") ;;
    esac
    shift 2
done
[[ $runs =~ ^[1-9][0-9]*$ ]] || fail "--runs takes a number"
if [[ -z $wharf ]]; then
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    cargo build --release --quiet --manifest-path "$root/Cargo.toml"
    wharf=${CARGO_TARGET_DIR:-$root/target}/release/wharf
fi
[[ -x $wharf ]] || fail "there is no program at $wharf"

by_git=() by_wharf=() reads=false failures=0
wt=$(command -v wt || true)
strace=$(command -v strace || true)
# It may be there and not be allowed.
[[ -z $strace ]] || "$strace" -f -q -o /dev/null true || strace=
place=$(mktemp -d "$parent/wharf-bench.XXXXXX")
trap 'rm -rf -- "$place"' EXIT
# Programs are measured as they are installed, by a copy: what a linker has just written lies in memory page by page, and
# each page of it costs a fault of its own.
mkdir "$place/bin"
cp "$wharf" "$place/bin/wharf"
wharf=$place/bin/wharf
if command -v rustc >"$place/out"; then
    printf 'fn main() {}\n' >"$place/nothing.rs"
    rustc -O -o "$place/linked" "$place/nothing.rs"
    cp "$place/linked" "$place/nothing"
fi
# Nobody's settings, neither git's nor wharf's.
for name in $(compgen -e | grep -E '^(GIT|WHARF)_' || true); do unset "$name"; done
unset WORKSPACE_ROOT XDG_CONFIG_HOME
export HOME=$place/home WHARF_MAX_SESSIONS=100000 WHARF_POOL_SIZE=0
mkdir "$HOME"
git config --global user.name bench
git config --global user.email bench@example.com

# ---- repositories: the same for the same number of files ------------------------------------------------------------

# A stream for `git fast-import`: ten files a folder, half of them below 3 kB, some of 60 kB, words in lines.
stream() {
    awk -v files="$1" '
        function next_number(below) { seed = (seed * 69069 + 12345) % 4294967296; return int(seed / 65536) % below }
        BEGIN {
            seed = 7
            count = split("let match return value session branch index write error path stream token buffer result state"\
                " parse when with from into", words, " ")
            for (line = 0; line < 500; line++) {
                text = ""
                for (word = 4 + next_number(9); word > 0; word--) text = text words[1 + next_number(count)] " "
                lines[line] = text "\n"
            }
            print "commit refs/heads/main\ncommitter bench <bench@example.com> 1700000000 +0000\ndata 5\nfirst"
            for (file = 0; file < files; file++) {
                bytes = 200 + next_number(5600)
                if (next_number(20) == 0) bytes += next_number(60000)
                body = "// " file "\n"
                while (length(body) < bytes) body = body lines[next_number(500)]
                printf "M 100644 inline src/part%d/unit%d/file%d.rs\ndata %d\n%s\n", file / 100, file / 10 % 10, file,\
                    length(body), body
            }
        }'
}

repository() { # FOLDER FILES
    git init --quiet --initial-branch main "$1"
    stream "$2" | git -C "$1" fast-import --quiet
    git -C "$1" reset --hard --quiet
}

# ---- measuring ------------------------------------------------------------------------------------------------------

# Runs a command; the microseconds go into `took`. One that writes runs after everything earlier is on the disk, so that it
# pays for its own writes only; one that reads runs as people run it. A failure of wharf ends everything; one of git, which
# stumbles over its own half made folders when several of it make worktrees at once, or of worktrunk is counted and not
# measured.
measure() {
    local begun ended
    $reads || sync
    begun=$EPOCHREALTIME
    if ! "$@" >"$place/out" 2>"$place/err"; then
        [[ $1 == git_* || $1 == wt_* ]] || fail "$* failed: $(<"$place/err")"
        failures=$((failures + 1))
        printf 'bench: %s failed: %s\n' "$*" "$(<"$place/err")" >&2
        return 1
    fi
    ended=$EPOCHREALTIME
    took=$((${ended/./} - ${begun/./}))
}

# Adds what a command took to a list of figures; one that failed adds nothing.
note() { # LIST COMMAND…
    local -n figures=$1
    if measure "${@:2}"; then figures+=("$took"); fi
}

milliseconds() { printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100)); }

sorted() { printf '%s\n' "$@" | sort -n; }

median() { sorted "$@" | sed -n "$((($# + 1) / 2))p"; }

row() { # WHAT SIZE GIT-COMMAND, with the numbers in `by_git` (which may be empty) and `by_wharf`
    local one other git_cell='' ratio=''
    other=$(median "${by_wharf[@]}")
    ((failures == 0)) || git_cell="failed $failures times"
    if ((${#by_git[@]})); then
        one=$(median "${by_git[@]}")
        git_cell="$(milliseconds "$one") ($(milliseconds "$(sorted "${by_git[@]}" | head -n 1)"))${git_cell:+, $git_cell}"
        ratio=$(awk -v a="$one" -v b="$other" 'BEGIN { printf "%.2f×", b / a }')
    fi
    printf '| %s | %s | %s | %s | %s (%s) | %s |\n' "$1" "$2" "$3" "$git_cell" \
        "$(milliseconds "$other")" "$(milliseconds "$(sorted "${by_wharf[@]}" | head -n 1)")" "$ratio"
    by_git=() by_wharf=() failures=0
}

# Takes turns, and takes turns in who is first.
both() { # TIMES GIT-FUNCTION WHARF-FUNCTION
    local turn
    by_git=() by_wharf=()
    for ((turn = 0; turn < $1; turn++)); do
        ((turn % 2)) || note by_git "$2" "$turn"
        note by_wharf "$3" "$turn"
        ((turn % 2 == 0)) || note by_git "$2" "$turn"
    done
}

wharf_here() { "$wharf" --workspace "$place/wharf" "$@"; }

# ---- many sessions: list, look up, restore --------------------------------------------------------------------------

git_list() { git -C "$place/wharf" worktree list; }
git_one() {
    git -C "$one" status --porcelain
    git -C "$one" rev-list --count --left-right HEAD...main
}
git_loop() {
    local key folder
    git -C "$place/wharf" worktree list --porcelain | while read -r key folder; do
        if [[ $key == worktree && $folder == */.worktrees/* ]]; then
            git -C "$folder" status --porcelain
            git -C "$folder" rev-list --count --left-right HEAD...main
        fi
    done
}
# What any program of this language costs before it does something.
nothing() { "$place/nothing"; }
wharf_quick() { wharf_here list --quick; }
wharf_list() { wharf_here list; }
wharf_path() { wharf_here path "session1"; }
wharf_show() { wharf_here show "session1"; }
wharf_restore() { wharf_here restore; }
wt_list() { "$wt" -C "$place/wharf" list; }

many_sessions() { # SESSIONS
    local number few=$runs
    repository "$place/wharf" 20
    for ((number = 0; number < $1; number++)); do
        wharf_here create "session$number" >"$place/out" 2>"$place/err" || fail "$(<"$place/err")"
    done
    (($1 < 500 || runs < 5)) || few=5
    one=$(wharf_path)
    reads=true
    both "$runs" git_list wharf_quick
    row "list --quick" "$1 sessions" "\`git worktree list\`"
    if [[ -x $place/nothing ]]; then
        both "$runs" nothing wharf_quick
        row "list --quick" "$1 sessions" "a Rust program that does nothing"
        both "$few" nothing wharf_list
        row "list" "$1 sessions" "a Rust program that does nothing"
    fi
    both "$few" git_loop wharf_list
    row "list" "$1 sessions" "\`status\` and \`rev-list\` in each"
    if [[ -n $wt ]]; then
        both "$few" wt_list wharf_list
        row "list" "$1 sessions" "\`wt list\`"
    fi
    both "$runs" git_list wharf_path
    row "path" "$1 sessions" "\`git worktree list\`"
    both "$runs" git_one wharf_show
    row "show" "$1 sessions" "\`status\` and \`rev-list\` in one"
    reads=false
    for ((number = 0; number < few; number++)); do
        note by_wharf wharf_restore
    done
    row "restore" "$1 sessions" ""
    rm -rf -- "$place/wharf"
}

# ---- all ways to create ---------------------------------------------------------------------------------------------

workers=$(nproc)
at=$place/ways
git_add() { git -C "$at/git" worktree add --quiet -b "git$1" "$at/git/.worktrees/git$1"; }
git_add_workers() {
    git -C "$at/git" -c checkout.workers="$workers" worktree add --quiet -b "workers$1" "$at/git/.worktrees/workers$1"
}
git_add_from() { git -C "$at/git" worktree add --quiet -b "from$1" "$at/git/.worktrees/from$1" later; }
git_remove() { git -C "$at/git" worktree remove "$at/git/.worktrees/git$1"; }
wt_add() { "$wt" -C "$at/git" switch --create "wt$1" --no-cd --no-verify; }
wharf_way() { "$wharf" --workspace "$at/wharf" "$@"; }
wharf_copied() { wharf_way create "copied$1"; }
wharf_warm() { WHARF_POOL_SIZE=1 wharf_way create "warm$1"; }
wharf_destroy() { wharf_way destroy "copied$1"; }
# What makes something durable is traced, and with `without_sync` it is answered instead of done.
syncs=fsync,fdatasync,syncfs,sync,sync_file_range
traced() { "$strace" --seccomp-bpf -f -q -o "$place/trace" -e trace="$syncs" "${@:2}" "$wharf" --workspace "$at/wharf" create "$1"; }
without_sync() { traced "without$1" -e inject="$syncs:retval=0"; }
with_sync() { traced "with$1"; }
wharf_warm_from() { wharf_way create "far$1" --from later; }
# One that fails has not been fast; all of them are waited for, so that none runs beside what is measured next.
wait_for() { # PIDS
    local pid failed=0
    for pid; do wait "$pid" || failed=1; done
    return "$failed"
}
git_eight() {
    local number pids=()
    for number in 1 2 3 4 5 6 7 8; do git_add "eight$1-$number" & pids+=($!); done
    wait_for "${pids[@]}"
}
wharf_eight() {
    local number pids=()
    for number in 1 2 3 4 5 6 7 8; do wharf_way create "eight$1-$number" & pids+=($!); done
    wait_for "${pids[@]}"
}
git_status_of() { git -C "$1" status --porcelain; }
wharf_path_of() { wharf_way path "$1"; }

# Nothing is measured while something is made ready in the background.
ready() { # HOW-MANY
    wharf_way pool fill --size "$1" >"$place/out" 2>"$place/err" || fail "$(<"$place/err")"
    until [[ $(wharf_way pool status --json | grep -c '"ready"') -ge $1 ]]; do
        sleep 0.2
        wharf_way pool fill --size "$1" >"$place/out"
    done
}

# 300 commits, each with a change of one file.
later() { # REPOSITORY
    awk 'BEGIN {
        for (number = 1; number <= 300; number++) {
            printf "commit refs/heads/later\ncommitter bench <bench@example.com> %d +0000\ndata 5\nlater\n", 1700000000 + number
            if (number == 1) print "from refs/heads/main^0"
            body = "// changed " number "\n"
            file = number % 200
            printf "M 100644 inline src/part%d/unit%d/file%d.rs\ndata %d\n%s\n", file / 100, file / 10 % 10, file,
                length(body), body
        }
    }' | git -C "$1" fast-import --quiet
}

# Takes turns with `git worktree add`; the first `git status` in both is measured too.
way() { # WHAT FILES TIMES WHARF-FUNCTION NAME GIT-FUNCTION GIT-NAME GIT-COMMAND READY
    local turn git_status=() wharf_status=() path
    by_git=() by_wharf=()
    for ((turn = 0; turn < $3; turn++)); do
        (($9 == 0)) || ready "$9"
        note by_git "$6" "$turn"
        note by_wharf "$4" "$turn"
        (($9 == 0)) || ready "$9"
        path=$(wharf_path_of "$5$turn")
        note git_status git_status_of "$at/git/.worktrees/$7$turn"
        note wharf_status git_status_of "$path"
    done
    row "$1" "$2 files" "$8"
    by_git=("${git_status[@]}") by_wharf=("${wharf_status[@]}")
    row "first \`git status\` after it" "$2 files" "the same"
}

# What it costs that a create is durable when it returns: the same one with and without.
durability() { # WHAT FILES TIMES READY
    local turn
    [[ -n $strace ]] || return 0
    by_git=() by_wharf=()
    for ((turn = 0; turn < $3; turn++)); do
        (($4 == 0)) || ready "$4"
        note by_git without_sync "$4-$turn"
        (($4 == 0)) || ready "$4"
        note by_wharf with_sync "$4-$turn"
    done
    row "$1, $(grep -c 'sync[a-z_]*(' "$place/trace") syncs" "$2 files" "itself without them, both under \`strace\`"
}

eight_warm() { # FILES
    local turn
    by_git=() by_wharf=()
    for turn in a b c; do
        ready 8
        note by_git git_eight "$turn"
        note by_wharf wharf_eight "$turn"
    done
    row "8 creates at once, warm" "$1 files" "8 × \`git worktree add -b\`"
}

all_ways() { # FILES
    # Much on the disk, or seconds of work, needs fewer turns.
    local few=$runs eights=3
    (($1 < 1000 || runs < 9)) || few=9
    (($1 < 20000)) || few=$((runs < 3 ? runs : 3)) eights=1
    mkdir "$at"
    repository "$at/git" "$1"
    later "$at/git"
    cp -a "$at/git" "$at/wharf"
    # What was checked out long ago is known to git without a second look.
    sleep 1.1
    git -C "$at/git" status --porcelain >"$place/out"
    git -C "$at/wharf" status --porcelain >"$place/out"
    # The first one makes folders and warms caches.
    measure git_add first || fail "git makes no worktree"
    measure wharf_copied first
    way "create, copied" "$1" "$few" wharf_copied copied git_add git "\`git worktree add -b\`" 0
    way "create, warm" "$1" "$few" wharf_warm warm git_add_workers workers "\`git -c checkout.workers=$workers worktree add -b\`" 1
    way "create, warm, 300 commits away" "$1" "$few" wharf_warm_from far git_add_from from "\`git worktree add -b\`" 1
    durability "create, warm" "$1" "$few" 1
    wharf_way pool drain >"$place/out"
    durability "create, copied" "$1" "$few" 0
    if [[ -n $wt ]]; then
        both "$few" wt_add wharf_copied_again
        row "create, copied" "$1 files" "\`wt switch --create\`"
    fi
    both "$eights" git_eight wharf_eight
    row "8 creates at once, copied" "$1 files" "8 × \`git worktree add -b\`"
    (($1 >= 20000)) || eight_warm "$1"
    # Last of all: a file system may look for a while at what was just deleted before it makes a file.
    both "$few" git_remove wharf_destroy
    row "destroy" "$1 files" "\`git worktree remove\`"
    rm -rf -- "$at"
}
wharf_copied_again() { wharf_copied "again$1"; }

# What a warm create costs with many sessions there.
warm_among() { # SESSIONS
    local number
    mkdir "$at"
    repository "$at/wharf" 20
    cp -a "$at/wharf" "$at/git"
    for ((number = 0; number < $1; number++)); do
        wharf_copied "$number" >"$place/out" 2>"$place/err" || fail "$(<"$place/err")"
        git_add "$number" >"$place/out" 2>"$place/err" || fail "$(<"$place/err")"
    done
    by_git=() by_wharf=()
    for ((number = 0; number < 9; number++)); do
        ready 1
        # Nobody makes one right after the other. What was written in the last second is not written over, which costs more.
        sleep 1.1
        note by_git git_add "among$number"
        note by_wharf wharf_warm "$number"
    done
    row "create, warm" "$1 sessions" "\`git worktree add -b\`"
    # What is made ready behind the last one must not get into what is removed.
    ready 1
    rm -rf -- "$at"
}

# ---- the table ------------------------------------------------------------------------------------------------------

printf '%s cores, %s on %s, %s, %s, %s pairs of runs; milliseconds, median (least)\n\n' "$(nproc)" \
    "$(df --output=fstype "$place" | tail -n 1)" "$(uname -sm)" "$(git --version)" "$("$wharf" --version)" "$runs"
printf '| wharf | with | git | git | wharf | wharf ÷ git |\n|---|---|---|--:|--:|--:|\n'
for count in $files; do all_ways "$count"; done
for count in $sessions; do many_sessions "$count"; done
for count in $sessions; do warm_among "$count"; done
[[ -n $wt ]] || printf '\nWorktrunk is not installed, so nothing is said about it.\n'
[[ -n $strace ]] || printf '\nWithout strace nothing is said about what it costs to be durable.\n'
