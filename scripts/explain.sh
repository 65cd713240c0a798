#!/usr/bin/env bash
launcher="$(readlink -f "${BASH_SOURCE:-$0}")" && . "${launcher%/*}/init.sh"
exec "$POINTING_PYTHON" -m python.commands.explain "$@"
