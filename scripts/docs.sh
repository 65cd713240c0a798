#!/usr/bin/env bash
EXTRA_REQUIREMENTS=docs/requirements.txt
source "$(dirname "${BASH_SOURCE[0]}")/init.sh"
exec "$POINTING_PYTHON" -m docs.building.site "$@"
