#!/usr/bin/env bash
EXTRA_REQUIREMENTS=tests/requirements.txt
source "$(dirname "${BASH_SOURCE[0]}")/init.sh"
if wants_help "$@"; then
    echo "usage: run_tests.sh [PYTEST OPTION ...]    for example: -k geometry, -x, tests/data"
    exit 0
fi
cd "$project_root"
exec "$POINTING_PYTHON" -m pytest "$@"
