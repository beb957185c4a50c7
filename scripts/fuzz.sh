#!/bin/sh
# Feeds screens random output of many kinds, and looks whether each one survives it and can be brought back elsewhere.
#
#   scripts/fuzz.sh [CASES [SEED]]      default: 1000000 cases, from seed 1
#
# A case that goes wrong is made smaller and shown. It can be run alone: `scripts/fuzz.sh 1 ITS-NUMBER`.
set -eu
cd "$(dirname "$0")/.."

case ${1:-} in
    -h | --help)
        sed -n 's/^# \{0,1\}//p' "$0" | sed 1d
        exit 0
        ;;
esac
begun=$(date +%s)
WHARF_FUZZ_CASES=${1:-1000000} WHARF_FUZZ_SEED=${2:-1} \
    cargo test --locked --release --lib -- --exact screen::tests::fuzz::no_output_breaks_a_screen_or_keeps_it_from_coming_back
printf 'fuzz: %s cases from seed %s in %s s, nothing wrong\n' "${1:-1000000}" "${2:-1}" "$(($(date +%s) - begun))"
