#!/usr/bin/env bash
EXTRA_REQUIREMENTS=docs/requirements.txt
launcher="$(readlink -f "${BASH_SOURCE:-$0}")" && . "${launcher%/*}/init.sh"
exec "$POINTING_PYTHON" -m docs.building.site "$@"
