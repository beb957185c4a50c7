{ \unset -v WHARF_COMMAND
\set >&9; \command printf '\0' >&9
\export -p >&9; \command printf '\0' >&9
\readonly -p >&9; \command printf '\0' >&9
\command alias >&9; \command printf '\0' >&9
\set +o >&9; \command printf '\0' >&9
\command umask >&9; \command printf '\0' >&9
\trap >&9; \command printf '\0' >&9
\command pwd >&9; \command printf '\0' >&9
\command type {functions} >&9; \command printf '\0' >&9
\command printf '%s\0' "$#" "$@" >&9
} 9>|{state} 2>/dev/null || \:
