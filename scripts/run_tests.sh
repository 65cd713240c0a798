#!/usr/bin/env bash
EXTRA_REQUIREMENTS=tests/requirements.txt
launcher="$(readlink -f "${BASH_SOURCE:-$0}")" && . "${launcher%/*}/init.sh"
if asks_about_itself "$@"; then
    echo "usage: run_tests.sh [PYTEST OPTION ...]    for example: -k geometry, -x, tests/data"
    echo "All tests, or folders of them, run in a process for each core and one more; -n 2 or -n 0 (none beside this one) says otherwise."
    exit 0
fi
cd "$project_root"
exec "$POINTING_PYTHON" -m pytest -n auto --dist worksteal "$@"
