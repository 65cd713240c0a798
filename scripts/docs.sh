#!/usr/bin/env bash
EXTRA_REQUIREMENTS=docs/requirements.txt
source "$(dirname "${BASH_SOURCE[0]}")/init.sh"
usage="usage: docs.sh [serve] [-a HOST:PORT]     build the documentation and serve it, http://127.0.0.1:8000 by default; Ctrl-C ends it
       docs.sh build [-d FOLDER]         build it into a folder, site/ by default; a broken link or reference is an error"
if wants_help "$@"; then
    echo "$usage"
    exit 0
fi
here="$PWD"
cd "$project_root"
export NO_MKDOCS_2_WARNING=1
case "${1:-serve}" in
    build)
        folder=site
        [[ $# -eq 1 || ($# -eq 3 && $2 == -d) ]] || fail 2 "$usage"
        [[ $# -eq 3 ]] && folder="$(cd "$here" && realpath -m "$3")"
        "$POINTING_PYTHON" -m mkdocs build --quiet --strict --site-dir "$folder"
        echo "$(realpath "$folder")/index.html"
        ;;
    serve | -a)
        [[ ${1:-} == serve ]] && shift
        [[ $# -eq 0 || ($# -eq 2 && $1 == -a) ]] || fail 2 "$usage"
        exec "$POINTING_PYTHON" -m mkdocs serve --strict --dev-addr "${2:-127.0.0.1:8000}"
        ;;
    *) fail 2 "$usage" ;;
esac
