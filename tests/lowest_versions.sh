#!/usr/bin/env bash
# Are the lower bounds of the requirements true? Makes an environment of exactly those and runs some of the tests in it.
#
#   tests/lowest_versions.sh [DIR [PYTEST OPTION ...]]    DIR: where the environment is kept; a temporary one otherwise
set -euo pipefail
root="$(readlink -f "${BASH_SOURCE[0]%/*}/..")"
venv="${1:-$(mktemp -d)}"
tests=("${@:2}")
((${#tests[@]})) || tests=(tests/config tests/networks tests/metrics tests/plots tests/ingest tests/pointing tests/training/test_run.py
    tests/training/search/test_proposals.py)

lists=(requirements.txt tests/requirements.txt)
pins="$venv/lowest.txt"
python3.11 -m venv "$venv"
for list in "${lists[@]}"; do
    sed -E 's/^tensorflow\b/tensorflow-cpu/; s/>=([^,]+),<.*/==\1/' "$root/$list"
done >"$pins"
"$venv/bin/python" -m pip install --disable-pip-version-check --quiet -r "$pins"
cd "$root"
export PYTHONNOUSERSITE=1 PYTHONSAFEPATH=1 PYTHONPATH="$root" KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=2 MPLBACKEND=Agg
# an old package may use what is deprecated in a newer one below it, which no bound holds back
exec "$venv/bin/python" -m pytest -q -W ignore::DeprecationWarning "${tests[@]}"
