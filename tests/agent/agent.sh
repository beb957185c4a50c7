#!/usr/bin/env bash
# A coding agent as far as wharf has to do with one: it keeps transcripts below $AGENT_HOME, calls its hooks, refuses an
# id that was used before, and remembers what it was told in a conversation. It is told `remember WORD` and `recall`.
#
#   agent.sh [--session-id ID | --resume ID] [--settings FILE] [PROMPT]
#
# AGENT_FORKS=1    every turn goes on under a new id
# AGENT_TELLS=0    no hooks
set -u

home=${AGENT_HOME:-$HOME/.agent}
id='' resume='' settings='' prompt=''
mkdir -p "$home"
printf '%q ' "$@" | sed 's/ $/\n/' >>"$home/argv"

while [ $# -gt 0 ]; do
    case $1 in
        --session-id) id=$2 && shift 2 ;;
        --resume) resume=$2 && shift 2 ;;
        --settings) settings=$2 && shift 2 ;;
        --*) shift ;;
        *) prompt=$1 && shift ;;
    esac
done

folder=$home/projects/$(printf '%s' "$PWD" | sed 's/[^A-Za-z0-9]/-/g')
mkdir -p "$folder"

transcript() {
    printf '%s/%s.jsonl' "$folder" "$id"
}

new_id() {
    cat /proc/sys/kernel/random/uuid
}

# JSON of a text: the texts here have neither control characters nor anything else that needs more than this.
text() {
    printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
}

# Calls the hooks of one event, with what it has to say about it.
tell() {
    [ "${AGENT_TELLS:-1}" = 1 ] || return 0
    local event=$1 more=${2:-} files=() command
    for file in "$settings" .agent/settings.json; do
        [ -n "$file" ] && [ -f "$file" ] && files+=("$file")
    done
    [ ${#files[@]} -gt 0 ] || return 0
    cat "${files[@]}" | grep -o '"command"[[:space:]]*:[[:space:]]*"[^"]* '"$event"'"' |
        sed 's/^"command"[[:space:]]*:[[:space:]]*"//; s/"$//' | sort -u | while read -r command; do
        printf '{"session_id":"%s","transcript_path":%s,"cwd":%s,"hook_event_name":"%s"%s}' \
            "$id" "$(text "$(transcript)")" "$(text "$PWD")" "$event" "$more" | sh -c "$command" ||
            printf '%s %s\n' "$event" "$?" >>"$home/failed-hooks"
    done
}

line() {
    printf '{"type":"%s","uuid":"%s","timestamp":"%s","cwd":%s,"sessionId":"%s","message":{"content":%s}}\n' \
        "$1" "$(new_id)" "$(date --utc +%Y-%m-%dT%H:%M:%S.%3NZ)" "$(text "$PWD")" "$id" "$(text "$2")" >>"$(transcript)"
}

# One turn: it is asked, and answers.
turn() {
    if [ "${AGENT_FORKS:-0}" = 1 ] && [ -f "$(transcript)" ]; then
        local before
        before=$(transcript)
        id=$(new_id)
        cp "$before" "$(transcript)"
    fi
    tell UserPromptSubmit ",\"prompt\":$(text "$1")"
    local answer
    case $1 in
        'remember '*) answer="noted ${1#remember }" ;;
        recall) answer="told:$(grep '"type":"user"' "$(transcript)" 2>/dev/null |
            grep -o '"content":"remember [^"]*"' | sed 's/"content":"remember //; s/"$//' | tr '\n' ' ' | sed 's/^/ /; s/ $//')" ;;
        nest) AGENT_TELLS=1 "$0" --session-id "$(new_id)" ${settings:+--settings "$settings"} 'remember inner' </dev/null >/dev/null
            answer='nested' ;;
        *) answer="heard $1" ;;
    esac
    line user "$1"
    line assistant "$answer"
    tell Stop ",\"last_assistant_message\":$(text "$answer")"
    printf '%s\n' "$answer"
}

if [ -n "$resume" ]; then
    id=$resume
    if [ ! -f "$(transcript)" ]; then
        printf 'no conversation with the id %s\n' "$id" >&2
        exit 1
    fi
    source=resume
else
    id=${id:-$(new_id)}
    if [ -f "$(transcript)" ]; then
        printf 'the id %s is already in use\n' "$id" >&2
        exit 1
    fi
    source=startup
fi
tell SessionStart ",\"source\":\"$source\""
trap 'tell SessionEnd ",\"reason\":\"other\""; exit 0' TERM HUP
[ -z "$prompt" ] || turn "$prompt"
printf 'ready %s\n' "$id"
while read -r prompt; do
    [ "$prompt" = quit ] && break
    [ -z "$prompt" ] || turn "$prompt"
done
tell SessionEnd ',"reason":"prompt_input_exit"'
