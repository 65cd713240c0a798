#!/usr/bin/env bash
# Sourced by every launcher: chooses the Python to run with and makes its environment on first use.
#
#   .venv (default)           made here and filled from requirements.txt; elsewhere with ML_POINTING_VENV=DIR
#   a CERN LCG view           used as it is when one is set up
#   ML_POINTING_ENV=system    the python3 on the PATH, used as it is
#
# Sets POINTING_PYTHON, PYTHONPATH and a few defaults. Prints to standard error only.
[ -n "${BASH_VERSION:-}" ] || exec bash "$launcher" "$@" # called as `sh launcher`: the rest is Bash
set +o posix -euo pipefail

here="$(readlink -f "${BASH_SOURCE[0]}")"
project_root="${here%/scripts/*}"
export PYTHONSAFEPATH=1 # no Python takes code from the folder that it is called in

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: ${*:2}"; exit "$1"; }

# What was asked to stop says so: a training that is to be started again ends with 85, all else as SIGTERM ends a process.
stop() {
    kill ${child:+"$child"} 2>/dev/null || true
    [[ $1 == TERM ]] || { say "interrupted; the next call goes on from here"; exit 130; }
    say "asked to stop (SIGTERM); start again"
    [[ ${launcher:-} == */train_* && $asked != *" --stop-after"* ]] && exit 85 # see processes/stop_requests.py
    exit 143
}
# ... and is heard at once while this works
at_work() { "$@" </dev/null >&2 & child=$!; wait "$child" && child=; }

find_python() {
    local name
    for name in "$@" python3.11 python3.12 python3.13 python3; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail 2 "Python 3.11 or newer is needed and none is on the PATH; install python3.11 or set up an LCG view"
}

asks_about_itself() {
    local argument
    for argument in "$@"; do [[ $argument == -h || $argument == --help || $argument == --version ]] && return 0; done
    return 1
}

has_nvidia_driver() { [[ -e /proc/driver/nvidia/version ]] || { command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; }; }

# One stamp for each list of requirements: it holds what was installed from the list, and for which device.
stamp_of() { printf '%s/.installed.%s' "$venv" "${1//\//.}"; }
wanted_stamp() { printf '%s %s' "$device" "$(cksum <"$project_root/$1")"; }
is_installed() { [[ -e $(stamp_of "$1") && "$(<"$(stamp_of "$1")")" == "$(wanted_stamp "$1")" ]]; }

install_requirements() {
    local list="$1" python build=tensorflow-cpu progress=off chosen
    python="$(find_python)"
    trap 'stop INT' INT
    mkdir -p "$venv" 2>/dev/null && [[ -w $venv ]] ||
        fail 5 "cannot write $venv; set ML_POINTING_VENV to a folder that you may write to"
    if command -v flock >/dev/null; then
        exec 9>"$venv.lock"
        flock -n 9 || { say "waiting for another process that is filling $venv"; at_work flock 9; }
        is_installed "$list" && return
    fi
    say "installing $list into $venv (once, one to three minutes, for $device)"
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        at_work "$python" -m venv --clear "$venv" ||
            fail 2 "$python cannot make a virtual environment; install it (Debian, Ubuntu: apt-get install python3-venv) and start again"
    fi
    # The same TensorFlow release comes in two builds; requirements.txt names it once.
    [[ $device == gpu ]] && build='tensorflow[and-cuda]'
    [[ -t 2 ]] && progress=on
    chosen="$(stamp_of "$list").txt"
    sed "s/^tensorflow\b/$build/" "$project_root/$list" >"$chosen"
    at_work "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar "$progress" -r "$chosen" ||
        fail 2 "$list could not be installed (see above); mend that and start again, what is installed is kept"
    wanted_stamp "$list" >"$(stamp_of "$list")"
    exec 9>&-
    trap - INT
}

use_venv() {
    local list
    venv="${ML_POINTING_VENV:-$project_root/.venv}" device=cpu
    if [[ $venv != /* ]]; then export ML_POINTING_VENV="$PWD/$venv"; venv="$ML_POINTING_VENV"; fi
    export PYTHONNOUSERSITE=1 PYTHONPATH="$project_root"
    has_nvidia_driver && device=gpu
    for list in requirements.txt ${EXTRA_REQUIREMENTS:-}; do
        is_installed "$list" || install_requirements "$list"
    done
    POINTING_PYTHON="$venv/bin/python"
}

# Of what PYTHONPATH holds, this project comes first, and an entry that is relative to the caller's folder does not count.
use_existing() {
    local entry entries path="$project_root"
    IFS=: read -ra entries <<<"${PYTHONPATH:-}"
    for entry in "${entries[@]:-}"; do
        if [[ $entry == /* && $entry != "$project_root" ]]; then path+=":$entry"; fi
    done
    export PYTHONPATH="$path"
    POINTING_PYTHON="$(find_python ${VIRTUAL_ENV:+"$VIRTUAL_ENV/bin/python"})"
}

asked=" $*"
trap 'stop TERM' TERM
[[ $project_root != *:* ]] || fail 2 "$project_root: Python cannot work in a folder with a colon in its path; rename it"
if asks_about_itself "$@"; then
    export PYTHONPATH= # the answer needs the standard library alone
    use_existing
elif [[ ${ML_POINTING_ENV:-} == system || -n ${LCG_VERSION:-} || "$(command -v python3)" == /cvmfs/*/lcg/* ]]; then
    use_existing
elif [[ -n ${ML_POINTING_ENV:-} ]]; then
    fail 2 "ML_POINTING_ENV=$ML_POINTING_ENV is not known; leave it unset or set it to 'system'"
else
    use_venv
fi

# threads of OpenMP that wait actively slow each other down a great deal on shared cores
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"
export KERAS_BACKEND="${KERAS_BACKEND:-tensorflow}" TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}" MPLBACKEND=Agg
# TensorFlow keeps the memory of a step for the next: given back and asked for again, it costs a third of a training on processors;
# but where a limit is set it would take all below that, and other parts of it would end the process without a word
unlimited="$([[ $(ulimit -v) == unlimited && $(ulimit -d) == unlimited ]] && echo true || echo false)"
export TF_CPU_ALLOCATOR_USE_BFC="${TF_CPU_ALLOCATOR_USE_BFC:-$unlimited}"
