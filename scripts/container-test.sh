#!/usr/bin/env bash
# Shows on a real Docker engine that sessions survive their container: killed, damaged, under load, as any user.
#
#   scripts/container-test.sh [BINARY]        default: target/release/wharf
#
# WHARF_TEST_ROUNDS   how often the container is killed under load (50)
# WHARF_TEST_IMAGE    an image to test instead of building one
# WHARF_BROWSER_TEST  1: the page must be tried in a browser; 0: it is not; unset: where Node and Chromium are
# DOCKER              the client (docker)
#
# Prints one fact per line and `N passed, N failed` last. Needs an engine on this machine and jq. Removes its containers,
# volumes, image and folder when it ends, however it ends.
# shellcheck disable=SC2016 # what is in single quotes is expanded in the container
set -Eeuo pipefail
cd "$(dirname "$0")/.."

binary=${1:-${CARGO_TARGET_DIR:-target}/release/wharf}
rounds=${WHARF_TEST_ROUNDS:-50}
docker=${DOCKER:-docker}
export DOCKER_BUILDKIT=1
run_label=wharf.test=$$-$RANDOM
state=/workspace/.claude-container-sessions.json
folder=$(mktemp -d)
passed=0
failed=0
image=
built=
staged=

cleanup() {
    trap - EXIT INT TERM
    local id
    for id in $("$docker" ps --all --quiet --filter "label=$run_label"); do
        "$docker" rm --force --volumes "$id" >/dev/null || true
    done
    for id in $("$docker" volume ls --quiet --filter "label=$run_label"); do
        "$docker" volume rm "$id" >/dev/null || true
    done
    if [ -n "$built" ]; then
        "$docker" rmi "$built" >/dev/null || true
    fi
    [ -z "$staged" ] || rm -f "$staged"
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'printf "FAIL the test itself, at line %s: %s\n" "$LINENO" "$BASH_COMMAND"' ERR
trap 'exit 130' INT
trap 'exit 143' TERM

# Facts

ok() {
    passed=$((passed + 1))
    printf 'ok   %s\n' "$1"
}

# fact is false [, what was seen]
wrong() {
    failed=$((failed + 1))
    printf 'FAIL %s\n' "$1"
    if [ -n "${2:-}" ]; then
        printf '%s\n' "$2" | head -n 40 | sed 's/^/     | /'
    fi
}

same() {
    if [ "$2" = "$3" ]; then
        ok "$1"
    else
        wrong "$1" "$(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") || true)"
    fi
}

says() {
    if grep --quiet --ignore-case --fixed-strings -- "$2" <<<"$3"; then
        ok "$1"
    else
        wrong "$1" "$3"
    fi
}

# fact, command that must succeed
holds() {
    local fact=$1 seen
    shift
    if seen=$("$@" 2>&1); then
        ok "$fact"
    else
        wrong "$fact" "$seen"
    fi
}

# Containers

volume() {
    "$docker" volume create --label "$run_label" >"$folder/volume"
    cat "$folder/volume"
}

# Starts a container that says when its command runs; arguments of `docker run`. Prints its id.
begin() {
    "$docker" run --detach --label "$run_label" --env WHARF_MAX_SESSIONS=200 --env WHARF_POOL_SIZE=0 \
        --health-interval=1s --health-start-period=1s "$@" \
        "$image" sh -c 'echo started; exec sleep infinity'
}

# seconds, command: until it succeeds
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || { wrong "in time: $*" 'it did not come' && return; }
        sleep 0.1
    done
}

# container, how many starts it has had
await_start() {
    local tries=0
    until [ "$("$docker" logs "$1" 2>/dev/null | grep --count '^started$')" -ge "$2" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 600 ]; then
            wrong "a container starts within 60 s" "$("$docker" logs "$1" 2>&1 | tail -n 20)"
            return 1
        fi
        sleep 0.1
    done
}

declare -A starts=()
start() {
    "$docker" start "$1" >/dev/null
    starts[$1]=$((${starts[$1]:-1} + 1))
    await_start "$1" "${starts[$1]}"
}

inside() {
    "$docker" exec -i "$@"
}

# volume, script: run in it without wharf, while its container is stopped
beside() {
    "$docker" run --rm --label "$run_label" --volume "$1:/workspace" --entrypoint sh "$image" -ceu "$2"
}

# What must never change about the sessions of a container.
identity() {
    inside "$1" wharf list --json --quick | jq --sort-keys 'map({id, name, branch, createdAt, metadata}) | sort_by(.name)'
}

statuses() {
    inside "$1" wharf list --json --quick | jq --raw-output 'map(.status) | unique | join(" ")'
}

# All work of a container: commits, staged, changed and untracked, by content.
work() {
    inside "$1" sh -eu <<'END'
cd /workspace/.worktrees
for tree in */; do
    echo "$tree"
    cd "$tree"
    git rev-parse HEAD
    git symbolic-ref HEAD
    git status --porcelain
    git diff --cached
    git diff
    git ls-files -z --others | sort -z | xargs -0 -r sha256sum
    cd ..
done
END
}

repository() {
    inside "$1" sh -ceu 'git init --quiet /workspace && cd /workspace && echo one >tracked && echo two >other &&
        git add tracked other && git commit --quiet --message "first"'
}

dirty_session() {
    local container=$1
    shift
    inside "$container" wharf create "$@" --json >"$folder/created"
    inside --env "NAME=$1" "$container" sh -ceu 'cd "$(wharf path "$NAME")"
        echo "committed in $NAME" >committed && git add committed && git commit --quiet --message "work of $NAME"
        echo "changed in $NAME" >>tracked
        echo "staged in $NAME" >>other && git add other
        mkdir -p deep/er && head -c 100000 /dev/urandom >"deep/er/untracked file"'
}

if [ -n "${WHARF_TEST_IMAGE:-}" ]; then
    image=$WHARF_TEST_IMAGE
else
    [ -x "$binary" ] || {
        echo "no binary at $binary: cargo build --release" >&2
        exit 2
    }
    staged=dist/wharf-${run_label#*=}
    install -D "$binary" "$staged"
    image=wharf-test:${run_label#*=}
    begun=$SECONDS
    # The proxies of this machine, where it has some, are the build's as well.
    "$docker" build --quiet --file docker/Dockerfile --tag "$image" --build-arg "BINARY=$staged" \
        --build-arg http_proxy --build-arg https_proxy --build-arg no_proxy . >/dev/null
    built=$image
    printf '     image built in %s s, %s MB\n' "$((SECONDS - begun))" \
        "$(("$("$docker" image inspect --format '{{.Size}}' "$image")" / 1000000))"
fi

# The image itself

inspect() {
    "$docker" image inspect --format "$1" "$image"
}
same 'the image has a user that is not root' 'wharf' "$(inspect '{{.Config.User}}')"
same 'the image says what it is' 'wharf' "$(inspect '{{index .Config.Labels "org.opencontainers.image.title"}}')"
same 'the image brings nothing into the workspace' '' "$("$docker" run --rm --label "$run_label" --entrypoint ls "$image" -A)"
same 'stdout belongs to the command' '[]' "$("$docker" run --rm --label "$run_label" "$image" sh -c \
    'git init -q . && wharf list --json' 2>/dev/null | jq --compact-output .)"

# Three sessions with uncommitted work, killed

workspace=$(volume)
main=$(begin --volume "$workspace:/workspace")
await_start "$main" 1
repository "$main"
dirty_session "$main" alpha --meta owner=ann --meta 'note=two words'
dirty_session "$main" beta --branch topic/beta
dirty_session "$main" gamma --from HEAD --meta 'json={"deep":[1,2]}'
names=$(identity "$main")
files=$(work "$main")
same 'three sessions are active' '3 active' "$(jq length <<<"$names") $(statuses "$main")"
same 'PID 1 is wharf' wharf "$(inside "$main" cat /proc/1/comm)"

"$docker" kill "$main" >/dev/null
start "$main"
same 'after docker kill all three sessions are idle' idle "$(statuses "$main")"
same 'after docker kill they are the same sessions' "$names" "$(identity "$main")"
same 'after docker kill their work is intact' "$files" "$(work "$main")"

begun=$SECONDS
"$docker" stop --time 20 "$main" >/dev/null
if [ $((SECONDS - begun)) -lt 5 ]; then
    ok 'docker stop does not wait'
else
    wrong 'docker stop does not wait' "$((SECONDS - begun)) s"
fi
start "$main"
same 'after docker stop they are the same sessions' "$names" "$(identity "$main")"

healthy=no
for _ in $(seq 60); do
    healthy=$("$docker" inspect --format '{{.State.Health.Status}}' "$main")
    [ "$healthy" = healthy ] && break
    sleep 0.5
done
same 'the health check turns healthy' healthy "$healthy"

# The state file damaged in every way while the container is down

declare -A damages=(
    [garbage]="head -c 3000 /dev/urandom >$state"
    [NULs]="head -c 3000 /dev/zero >$state"
    [half]="head -c \$((\$(wc -c <$state) / 2)) $state >$state.half && mv $state.half $state"
    [nothing]=": >$state"
    [deleted]="rm $state"
    [deleted-with-backups]="rm -f $state $state.[1-9]"
    [garbage-with-backups]="for file in $state $state.[1-9]; do head -c 500 /dev/urandom >\$file; done"
    [no-sessions]="echo '{\"version\":\"1.0\",\"sessions\":[]}' >$state"
)
for damage in garbage NULs half nothing deleted deleted-with-backups garbage-with-backups no-sessions; do
    "$docker" kill "$main" >/dev/null
    broken=$(beside "$workspace" "${damages[$damage]}; [ ! -f $state ] || sha256sum <$state | cut -d ' ' -f 1")
    start "$main"
    same "state file, $damage: all sessions are back" "$names" "$(identity "$main")"
    same "state file, $damage: all are idle" idle "$(statuses "$main")"
    same "state file, $damage: their work is intact" "$files" "$(work "$main")"
    case $damage in
        garbage* | NULs | half)
            holds "state file, $damage: the broken file is kept" \
                beside "$workspace" "sha256sum $state.corrupt.* | grep $broken"
            ;;
    esac
done

# The script for people

"$docker" kill "$main" >/dev/null
start "$main"
inside "$main" sh -ceu "rm -f $state $state.[1-9]"
before=$(inside "$main" sh -c 'find /workspace -type f ! -path "*/.wharf/log/*" -print0 | sort -z | xargs -0 sha256sum')
holds 'wharf-recover --dry-run ends well' inside "$main" wharf-recover --dry-run
same 'wharf-recover --dry-run writes nothing' "$before" \
    "$(inside "$main" sh -c 'find /workspace -type f ! -path "*/.wharf/log/*" -print0 | sort -z | xargs -0 sha256sum')"
holds 'wharf-recover repairs' inside "$main" wharf-recover
holds 'wharf-recover can run again' inside "$main" wharf-recover
same 'after wharf-recover they are the same sessions' "$names" "$(identity "$main")"
same 'wharf-recover has backed up twice, the records of git too' '2 3' "$(inside "$main" sh -c \
    'echo "$(ls /workspace/.wharf/backup | wc -l) $(find "$(ls -d /workspace/.wharf/backup/* | head -n 1)" -name session.json | wc -l)"')"

# A workspace that cannot be written

"$docker" kill "$main" >/dev/null
beside "$workspace" "head -c 3000 /dev/urandom >$state"
seen=$("$docker" run --rm --label "$run_label" --volume "$workspace:/workspace:ro" "$image" echo command-ran 2>&1)
says 'a broken state file in a read-only workspace: the command runs' command-ran "$seen"
says 'a broken state file in a read-only workspace: stderr says so' 'restore' "$seen"
seen=$("$docker" run --rm --label "$run_label" --volume "$workspace:/workspace:ro" --read-only --user 4321 \
    "$image" echo command-ran 2>&1)
says 'a read-only image and a read-only workspace: the command runs' command-ran "$seen"
start "$main"
same 'after that they are the same sessions' "$names" "$(identity "$main")"

# A restore that does not come to an end

# The lock is held until somebody lets go.
"$docker" exec --detach "$main" flock "${state%.json}.lock" \
    sh -c 'touch /workspace/.wharf/held; until [ -e /workspace/.wharf/let-go ]; do sleep 0.1; done'
within 30 inside "$main" test -e /workspace/.wharf/held
seen=$("$docker" run --rm --label "$run_label" --volume "$workspace:/workspace" --env WHARF_RESTORE_SECONDS=1 \
    "$image" echo command-ran 2>&1)
says 'a restore that hangs: the command runs' command-ran "$seen"
says 'a restore that hangs: stderr says so' 'did not end within 1 s' "$seen"
restoring=$("$docker" run --detach --label "$run_label" --volume "$workspace:/workspace" "$image" echo command-ran)
restores() { "$docker" top "$restoring" | grep --quiet 'wharf restore'; }
within 30 restores
"$docker" stop --time 60 "$restoring" >/dev/null
same 'a stop during the restore ends it by TERM' 143 \
    "$("$docker" inspect --format '{{.State.ExitCode}}' "$restoring")"
inside "$main" sh -c 'touch /workspace/.wharf/let-go; until flock --nonblock "$1" true; do sleep 0.1; done
    rm /workspace/.wharf/held /workspace/.wharf/let-go' sh "${state%.json}.lock"

# The state file mounted alone

lone=$folder/lone.json
echo '{"version":"1.0","sessions":[]}' >"$lone"
chmod 666 "$lone"
seen=$("$docker" run --rm --label "$run_label" --volume "$lone:$state" "$image" echo command-ran 2>&1)
says 'the state file mounted alone: the command runs' command-ran "$seen"
says 'the state file mounted alone: says what to do' 'mount the directory' "$seen"

lone_container=$(begin --volume "$lone:$state")
health=
for _ in $(seq 60); do
    health=$("$docker" inspect --format '{{.State.Health.Status}}' "$lone_container")
    [ "$health" = unhealthy ] && break
    sleep 0.5
done
same 'the state file mounted alone: the health check says so' unhealthy "$health"
"$docker" rm --force --volumes "$lone_container" >/dev/null

# Any user

bind=$folder/bind
mkdir "$bind"
git init --quiet "$bind"
git -C "$bind" -c user.name=a -c user.email=a@localhost commit --quiet --allow-empty --message first
chmod -R a+rwX "$bind"
for where in "$(volume)" "$bind"; do
    kind=volume
    [ "$where" = "$bind" ] && kind='folder of another user'
    random=$(begin --user 12345:12345 --volume "$where:/workspace")
    await_start "$random" 1
    [ "$kind" = volume ] && repository "$random"
    holds "user 12345, $kind: creates a session and commits in it" dirty_session "$random" any --meta who=12345
    names_any=$(identity "$random")
    files_any=$(work "$random")
    "$docker" kill "$random" >/dev/null
    start "$random"
    same "user 12345, $kind: the session is back" "$names_any" "$(identity "$random")"
    same "user 12345, $kind: the work is intact" "$files_any" "$(work "$random")"
    holds "user 12345, $kind: HOME can be written" inside "$random" sh -c 'touch "$HOME/here"'
    "$docker" rm --force "$random" >/dev/null
done
# What another uid has made the caller may not be able to delete.
"$docker" run --rm --label "$run_label" --user 0 --volume "$bind:/bind" --entrypoint sh "$image" \
    -c 'find /bind -mindepth 1 -delete'

# Programs in sessions

# What runs in a container and is neither its first process, nor its command, nor who asks.
others() {
    inside "$1" ps -eo pid=,stat=,args= | grep --invert-match --extended-regexp \
        'wharf init|sleep infinity|ps -eo|wharf hold' || true
}
field() {
    inside "$1" wharf show "$2" --json | jq --raw-output "$3"
}
same 'before anything is started nothing runs' '' "$(others "$main")"
for name in alpha beta gamma; do
    holds "a program starts in $name" inside "$main" wharf start "$name" -- sh -c \
        'echo "begun in $WHARF_SESSION_NAME"; setsid sleep 3001 & exec sleep 3000'
    holds "$name shows what was printed" inside "$main" wharf wait "$name" --for "text:begun in $name" --timeout 10s
done
same 'the record has pid and command' 'number sh' "$(field "$main" alpha '"\(.ptyPid | type) \(.command[0])"')"
holds 'text can be sent' inside "$main" sh -c 'wharf stop alpha && wharf start alpha -- cat &&
    wharf send alpha "hello there" --enter && wharf wait alpha --for "text:hello there" --timeout 10s'

# Somebody at a terminal in the container, whose keys come from here.
mkfifo "$folder/keys"
sit_down() {
    : >"$folder/seen"
    script -q -f -e -c "$docker exec -it $main wharf attach alpha" "$folder/seen" \
        <"$folder/keys" >/dev/null 2>&1 &
    sitting=$!
    exec 7>"$folder/keys"
}
sees() {
    local tries=0
    until grep --quiet --fixed-strings --text -- "$2" "$folder/seen"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 150 ]; then
            wrong "$1" "$(cat --show-nonprinting "$folder/seen")"
            return 0
        fi
        sleep 0.1
    done
    ok "$1"
}
get_up() {
    printf '\034' >&7
    # Only this shell itself can wait for it.
    if wait "$sitting"; then ok "$1"; else wrong "$1" "$(cat --show-nonprinting "$folder/seen")"; fi
    exec 7>&-
}
sit_down
sees 'somebody attaches at a terminal in the container' 'hello there'
printf 'typed at a terminal\r' >&7
holds 'what is typed there is read' inside "$main" wharf wait alpha --for 'text:typed at a terminal' --timeout 10s
sees 'what is printed is seen there' 'typed at a terminal'
before=$(inside "$main" wharf screen alpha)
get_up 'the key that leaves leaves'
sees 'and says so' '[alpha: detached]'
sit_down
sees 'who comes again sees the same' 'typed at a terminal'
same 'the screen is the same' "$before" "$(inside "$main" wharf screen alpha)"
get_up 'and can leave again'
begun=$SECONDS
"$docker" stop --time 20 "$main" >/dev/null
if [ $((SECONDS - begun)) -lt 12 ]; then
    ok 'docker stop ends all programs in order'
else
    wrong 'docker stop ends all programs in order' "$((SECONDS - begun)) s"
fi
start "$main"
same 'after docker stop all sessions are idle' idle "$(statuses "$main")"
same 'after docker stop it is known what ended them' shutdown "$(field "$main" beta .ended.cause)"
holds 'wharf resume --all brings the commands back' inside "$main" wharf resume --all
holds 'the resumed program runs' inside "$main" wharf wait beta --for 'text:begun in beta' --timeout 10s
same 'three programs run' 3 "$(inside "$main" wharf ps --json | jq length)"
"$docker" kill "$main" >/dev/null
start "$main"
same 'after docker kill all sessions are idle' idle "$(statuses "$main")"
same 'after docker kill it is known what ended them' restart "$(field "$main" gamma .ended.cause)"
holds 'wharf resume --all brings them back again' inside "$main" wharf resume --all
inside "$main" sh -ceu 'kill -9 "$(wharf show beta --json | jq .holder.pid 2>/dev/null ||
    wharf show beta --json | grep -A1 holder | grep -o "[0-9][0-9]*" | head -n 1)"'
same 'a killed holder costs its own session' 'error lost' "$(field "$main" beta '"\(.status) \(.ended.cause)"')"
same 'a killed holder costs no other session' active "$(field "$main" gamma .status)"
holds 'it can be started again' inside "$main" wharf start beta
for name in alpha beta gamma; do
    holds "$name is stopped" inside "$main" wharf stop "$name"
done
same 'of all that was started nothing is left' '' "$(others "$main")"
same 'the sessions and their work are as before' "$names" "$(identity "$main")"

# Commands that remember

says 'a command runs in a session' 'alpha /workspace' "$(inside "$main" wharf exec alpha \
    'kept="of alpha"; greet() { echo "hello $1"; }; echo "$WHARF_SESSION_NAME $PWD"' </dev/null)"
same 'the next command knows what it set up' 'hello of alpha' "$(inside "$main" wharf exec alpha 'greet "$kept"' </dev/null)"
same 'output, exit code and end are told to scripts' 'out err 3 done' "$(inside "$main" sh -c \
    'wharf exec --json alpha "printf out; printf err >&2; (exit 3)" </dev/null || true' |
    jq --raw-output '"\(.stdout) \(.stderr) \(.code) \(.finish)"')"
"$docker" kill "$main" >/dev/null
start "$main"
same 'after docker kill the state is there' 'hello of alpha' "$(inside "$main" wharf exec alpha 'greet "$kept"' </dev/null)"
inside "$main" wharf exec beta 'kept="of beta"; sleep 3000 >/dev/null 2>&1 &' </dev/null
begun=$SECONDS
"$docker" stop --time 20 "$main" >/dev/null
if [ $((SECONDS - begun)) -lt 12 ]; then
    ok 'docker stop saves all contexts and ends them'
else
    wrong 'docker stop saves all contexts and ends them' "$((SECONDS - begun)) s"
fi
start "$main"
same 'after docker stop a load begins at the checkpoint' '0 0' "$(for name in alpha beta; do
    inside "$main" wharf history replay "$name" --dry-run --json </dev/null | jq .outputsAfter
done | xargs)"
same 'after docker stop the state is there' 'of beta' "$(inside "$main" wharf exec beta 'echo "$kept"' </dev/null)"
same 'what ran is in the history' 'greet "$kept"' "$(inside "$main" wharf history alpha --json --limit 1 </dev/null |
    jq --raw-output '.[0].command')"
holds 'a stop ends a context' inside "$main" wharf stop beta
same 'of the contexts nothing is left' '' "$(others "$main")"
same 'the sessions and their work are as before' "$names" "$(identity "$main")"

# Agents and their conversations

# The agent's own folder lies in the container, not in a volume: with the container it goes.
agents=$(volume)
begin_agents() {
    begin --volume "$agents:/workspace" --volume "$PWD/tests/agent:/agent:ro" \
        --env XDG_CONFIG_HOME=/agent/config --env WHARF_RESUME=1
}
asks() {
    holds "the agent is asked: $2" inside "$1" sh -ceu 'wharf prompt talk "$1" &&
        wharf wait talk --for "text:$2" --timeout 30s && wharf wait talk --for waiting --timeout 30s' sh "$2" "$3"
}
talking=$(begin_agents)
await_start "$talking" 1
repository "$talking"
holds 'an agent starts with a session' inside "$talking" \
    wharf create talk --agent fake --prompt 'remember red'
holds 'the agent answers and waits' inside "$talking" sh -ceu \
    'wharf wait talk --for "text:noted red" --timeout 30s && wharf wait talk --for waiting --timeout 30s'
asks "$talking" 'remember green' 'noted green'
asks "$talking" 'remember blue' 'noted blue'
conversation=$(field "$talking" talk .agent.conversation)
"$docker" kill "$talking" >/dev/null
start "$talking"
holds 'after docker kill the agent runs again' inside "$talking" wharf wait talk --for 'text:ready' --timeout 30s
asks "$talking" recall 'told: red green blue'
same 'after docker kill it is the same conversation' "$conversation" "$(field "$talking" talk .agent.conversation)"
inside "$talking" wharf rename talk other >/dev/null
inside "$talking" wharf rename other talk >/dev/null
"$docker" kill "$talking" >/dev/null
"$docker" rm --volumes "$talking" >/dev/null
talking=$(begin_agents)
await_start "$talking" 1
holds 'in a new container the agent runs again' inside "$talking" wharf wait talk --for 'text:ready' --timeout 30s
asks "$talking" recall 'told: red green blue'
same 'in a new container it is the same conversation' "$conversation" "$(field "$talking" talk .agent.conversation)"
says 'it was resumed by its id' "--resume $conversation" "$(inside "$talking" sh -c 'cat ~/.agent/argv')"
"$docker" rm --force --volumes "$talking" >/dev/null

# The page, in a browser outside of the container

case ${WHARF_BROWSER_TEST:-} in
    1) browser=true ;;
    0) browser=false ;;
    *) browser=false
        if command -v node >/dev/null && [ -x "${CHROMIUM:-/usr/bin/chromium}" ] && [ -d web/node_modules ]; then
            browser=true
        fi ;;
esac
# A link that lets one browser in, by the name under which the port is known out here.
page_link() {
    local port path
    port=$("$docker" port "$1" 7777/tcp | head -n 1)
    path=$(inside "$1" wharf open | grep --only-matching --extended-regexp '/api/v1/open/[^[:space:]]+' | head -n 1)
    printf 'http://127.0.0.1:%s%s' "${port##*:}" "$path"
}
# container
await_server() {
    local tries=0
    until inside "$1" wharf open >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ]; then
            wrong 'the server in the container answers within 30 s' "$("$docker" logs "$1" 2>&1 | tail -n 20)"
            return 0
        fi
        sleep 0.1
    done
}
# The server is killed, and not what runs it.
kill_serve='kill -KILL $(pgrep -f "^wharf serve")'
# round
try_page() {
    (cd web && WHARF_PAGE_LINK=$(page_link "$served") WHARF_PAGE_ROUND=$1 \
        WHARF_PAGE_KILL="'$docker' exec $served sh -c '$kill_serve'" npm run --silent container)
}
served_by_default() {
    local served port token ask pid client name=by-the-api
    served=$("$docker" run --detach --label "$run_label" --publish 127.0.0.1::7777 --volume "$(volume):/workspace" "$image")
    await_server "$served"
    same 'the default command serves, below `wharf init`' 'wharf serve' \
        "$(inside "$served" ps --ppid 1 -o args= | grep --only-matching 'wharf serve' || true)"
    inside "$served" sh -c 'git init --quiet . && git commit --quiet --allow-empty --message first'
    port=$("$docker" port "$served" 7777/tcp | head -n 1)
    token=$(inside "$served" sh -c 'cat "$(find /tmp/wharf-* -name server.token)"')
    ask=(curl --silent --max-time 20 --header "Authorization: Bearer $token" --header 'Content-Type: application/json')
    says 'through a published port a tool makes a session' '"name":"by-the-api"' \
        "$("${ask[@]}" --data '{"name":"by-the-api","start":{"command":["sleep","1000000"]}}' "http://127.0.0.1:${port##*:}/api/v1/sessions")"
    same 'without a token nobody gets in through it' 401 \
        "$(curl --silent --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:${port##*:}/api/v1/sessions")"
    same 'by another name nobody gets in either' 421 \
        "$("${ask[@]}" --output /dev/null --write-out '%{http_code}' --header 'Host: evil.example' "http://127.0.0.1:${port##*:}/api/v1/sessions")"
    client=$("${ask[@]}" --data '{}' "http://127.0.0.1:${port##*:}/api/v1/clients")
    pid=$(field "$served" "$name" .ptyPid)
    inside "$served" sh -c "$kill_serve"
    await_server "$served"
    same 'a killed server is started again, and the session has not noticed' "$pid" "$(field "$served" "$name" .ptyPid)"
    holds 'after docker stop and start it answers with the same token' sh -c \
        "\"$docker\" stop $served >/dev/null && \"$docker\" start $served >/dev/null"
    await_server "$served"
    port=$("$docker" port "$served" 7777/tcp | head -n 1)
    says 'and knows the session' '"name":"by-the-api"' "$("${ask[@]}" "http://127.0.0.1:${port##*:}/api/v1/sessions")"
    same 'and a client comes back to its session with its ticket' "$(jq '[.ticket, .session]' <<<"$client")" \
        "$("${ask[@]}" --data '{}' "http://127.0.0.1:${port##*:}/api/v1/clients/$(jq --raw-output .ticket <<<"$client")/resume" |
            jq '[.ticket, .session]')"
    "$docker" rm --force --volumes "$served" >/dev/null
}
if command -v curl >/dev/null; then
    served_by_default
else
    printf '     skipped: the API through a published port (no curl)\n'
fi
if $browser; then
    served=$("$docker" run --detach --label "$run_label" --publish 127.0.0.1::7777 --volume "$(volume):/workspace" "$image")
    await_server "$served"
    inside "$served" sh -c 'git init --quiet . && git commit --quiet --allow-empty --message first'
    holds 'through a published port a browser sees the same after a reload and after a killed server' try_page first
    "$docker" kill "$served" >/dev/null
    "$docker" start "$served" >/dev/null
    await_server "$served"
    holds 'after docker kill the page shows the session, which starts again with its work' try_page again
    "$docker" rm --force --volumes "$served" >/dev/null
else
    printf '     skipped: the page in a browser (no Node, no Chromium, no `scripts/page.sh`, or WHARF_BROWSER_TEST=0)\n'
fi

# Killed again and again under load

# In the container: one worker. It says what it begins and what was acknowledged; the host holds wharf to that.
cat >"$folder/worker" <<'END'
set -u
worker=$1
round=$2
shift 2
destroy() {
    echo "begin destroy $1"
    if wharf destroy "$1" --force >&2; then echo "done destroy $1"; else echo "refused destroy $1"; fi
}
for name; do
    destroy "$name"
done
number=0
older=
while :; do
    number=$((number + 1))
    name=$worker-$round-$number
    echo "begin create $name"
    if record=$(wharf create "$name" --meta "worker=$worker" --meta "number=$number" --json); then
        echo "done create $name $(printf %s "$record" | tr -d '\n')"
    else
        echo "refused create $name"
        continue
    fi
    echo "begin meta $name"
    if wharf meta "$name" step=two >&2; then echo "done meta $name"; else echo "refused meta $name"; fi
    echo "work of $name" >"$(wharf path "$name")/untracked"
    echo "done write $name"
    if [ -n "$older" ]; then
        destroy "$older"
    fi
    older=$name
done
END

# Of the load sessions: what the last word about each was, and the record that was acknowledged.
declare -A last=() record=() written=() step=()
acknowledged=0
refused=0

read_words() {
    local word verb name rest
    # A line without its end was cut by the kill: `read` leaves it out.
    while read -r word verb name rest; do
        case "$word $verb" in
            'begin create' | 'begin destroy') last[$name]=open ;;
            'done create')
                last[$name]=there
                record[$name]=$rest
                acknowledged=$((acknowledged + 1))
                ;;
            'begin meta') step[$name]=open ;;
            'done meta')
                step[$name]=two
                acknowledged=$((acknowledged + 1))
                ;;
            'done write') written[$name]=yes ;;
            'done destroy')
                last[$name]=gone
                acknowledged=$((acknowledged + 1))
                ;;
            'refused create')
                last[$name]=gone
                refused=$((refused + 1))
                ;;
            'refused meta')
                step[$name]=
                refused=$((refused + 1))
                ;;
            'refused destroy')
                last[$name]=there
                refused=$((refused + 1))
                ;;
        esac
    done <"$1"
}

# Everything that was acknowledged is there, everything destroyed is gone, what was open is one of both and whole.
hold_to_it() {
    local round=$1 now name trees problems=''
    if ! now=$(inside "$main" wharf list --json --quick 2>"$folder/complaint"); then
        wrong "round $round: the sessions can be listed" "$(cat "$folder/complaint")"
        return
    fi
    jq --compact-output '.[]' <<<"$now" >"$folder/now"
    declare -A present=()
    while read -r line; do
        present[$(jq --raw-output .name <<<"$line")]=$line
    done <"$folder/now"
    trees=$(inside "$main" sh -c 'cd /workspace; ls .worktrees | wc -l; ls .git/worktrees | wc -l;
        for file in .worktrees/*/untracked; do if [ -f "$file" ]; then echo "$file $(cat "$file")"; fi; done')
    local count
    # What is kept ready for the next create is no session.
    count=$(($(jq length <<<"$now") + $(inside "$main" wharf pool status --json | jq ".slots | length")))
    if [ "$(head -n 2 <<<"$trees" | tr '\n' ' ')" != "$count $count " ]; then
        problems+="sessions and ready worktrees: $count; folders and administrative folders: $(head -n 2 <<<"$trees" | tr '\n' ' ')"$'\n'
    fi
    if [ "$(jq 'all(.status == "idle")' <<<"$now")" != true ]; then
        problems+="not all are idle"$'\n'
    fi
    for name in "${!last[@]}"; do
        case ${last[$name]} in
            there) [ -n "${present[$name]:-}" ] || problems+="lost: $name"$'\n' ;;
            gone) [ -z "${present[$name]:-}" ] || problems+="came back: $name"$'\n' ;;
            open) if [ -n "${present[$name]:-}" ]; then last[$name]=there; else last[$name]=gone; fi ;;
        esac
        if [ "${last[$name]}" != there ] || [ -z "${present[$name]:-}" ]; then
            unset "last[$name]" "record[$name]" "written[$name]" "step[$name]"
            continue
        fi
        if [ -n "${record[$name]:-}" ] && ! jq --exit-status --null-input --arg step "${step[$name]:-}" \
            --argjson was "${record[$name]}" --argjson is "${present[$name]}" '
                def identity: [.id, .name, .branch, .createdAt, (.metadata | del(.step))];
                ($was | identity) == ($is | identity)
                and ($step == "open" or ($is.metadata.step // "") == $step)' >/dev/null; then
            problems+="changed: $name (${step[$name]:-}): ${record[$name]} -> ${present[$name]}"$'\n'
        elif [ "${step[$name]:-}" = open ]; then
            step[$name]=$(jq --raw-output '.metadata.step // ""' <<<"${present[$name]}")
        fi
        if [ -n "${written[$name]:-}" ] && ! grep --quiet --line-regexp --fixed-strings \
            ".worktrees/$(jq --raw-output .id <<<"${present[$name]}")/untracked work of $name" <<<"$trees"; then
            problems+="its work is lost: $name"$'\n'
        fi
    done
    if [ "$(jq --sort-keys 'map(select(.name | IN("alpha", "beta", "gamma")) | {id, name, branch, createdAt, metadata}) |
        sort_by(.name)' <<<"$now")" != "$names" ]; then
        problems+="alpha, beta and gamma are not what they were"$'\n'
    fi
    if [ -n "$problems" ]; then
        wrong "round $round: nothing is lost" "$problems$(inside "$main" sh -c 'wharf doctor 2>&1 || true')"
    fi
}

begun=$SECONDS
failed_before=$failed
for round in $(seq "$rounds"); do
    live=("${!last[@]}")
    half=$((${#live[@]} / 2))
    # Half of the rounds keep worktrees ready, as wharf does when nobody says otherwise.
    ready=(--env "WHARF_POOL_SIZE=$((round % 2))")
    inside "${ready[@]}" "$main" sh -s a "$round" "${live[@]:0:half}" <"$folder/worker" >"$folder/a" 2>>"$folder/talk" &
    worker_a=$!
    inside "${ready[@]}" "$main" sh -s b "$round" "${live[@]:half}" <"$folder/worker" >"$folder/b" 2>>"$folder/talk" &
    worker_b=$!
    sleep "$((RANDOM % 2)).$((RANDOM % 9 + 1))"
    "$docker" kill "$main" >/dev/null
    wait "$worker_a" || true
    wait "$worker_b" || true
    read_words "$folder/a"
    read_words "$folder/b"
    # Every third time the restore is killed as well.
    if [ $((round % 3)) -eq 0 ]; then
        "$docker" start "$main" >/dev/null
        sleep "0.0$((RANDOM % 9))"
        "$docker" kill "$main" >/dev/null 2>&1 || true
        starts[$main]=$("$docker" logs "$main" 2>/dev/null | grep --count '^started$')
    fi
    start "$main"
    hold_to_it "$round"
done
printf '     %s rounds in %s s: %s creates, changes and destroys acknowledged, %s refused\n' \
    "$rounds" "$((SECONDS - begun))" "$acknowledged" "$refused"
if [ "$failed" -eq "$failed_before" ]; then
    ok "$rounds kills under load lose nothing that was acknowledged, and leave no litter"
fi
if [ "$acknowledged" -ge "$rounds" ]; then
    ok 'there was a load'
else
    wrong 'there was a load' "$acknowledged acknowledged in $rounds rounds: $(tail -n 20 "$folder/talk")"
fi
same 'no command was refused under load' 0 "$refused"
[ "$refused" -eq 0 ] || grep --ignore-case --after-context=3 '^error' "$folder/talk" | sed -n 1,20p
same 'after all that the first three are what they were' "$names" \
    "$(identity "$main" | jq --sort-keys 'map(select(.name | IN("alpha", "beta", "gamma")))')"

trap - ERR
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
