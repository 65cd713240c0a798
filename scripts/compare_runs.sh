#!/usr/bin/env bash
source "$(dirname "${BASH_SOURCE[0]}")/init.sh"
exec "$POINTING_PYTHON" -m python.commands.compare_runs "$@"
