#!/usr/bin/env bash
EXTRA_REQUIREMENTS=tests/requirements.txt
source "$(dirname "${BASH_SOURCE[0]}")/init.sh"
cd "$project_root"
exec "$POINTING_PYTHON" -m pytest "$@"
