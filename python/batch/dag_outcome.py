"""Why the DAG of an ensemble failed: what DAGMan, the nodes and their runs left of it.

Formats are those of HTCondor's manual, version 25: "The dagman.out file", "The Rescue DAG".
"""

from __future__ import annotations

import re
from pathlib import Path

from python.batch.run_job import DAG, FOLDER, LAST_NODE
from python.general_purpose_libs import ConfigError
from python.runs.files import LOGS, MEMBERS
from python.runs.status import read_status

MANAGER_LOG, MANAGER_OUTPUT, RESCUE = f"{DAG}.dagman.log", f"{DAG}.dagman.out", f"{DAG}.rescue*"
CODES = {  # of the launchers
    1: "the node lacked what the job needs",
    2: "configuration or usage",
    3: "data",
    4: "the training failed",
    5: "output not writable",
    130: "interrupted",
    143: "asked to stop (SIGTERM)",
}
STARTS_ANEW = "STARTING UP"
LONGEST_REASON = 300  # characters


def dag_failure(run: Path) -> str:
    """Which nodes of the run's DAG failed, and why, in words; "" where none is known to have failed."""
    told = [f"{_node_in_words(node)} failed: {_why(run, node, said)}" for node, said in failed_nodes(run).items()]
    return "; ".join(told)


def failed_nodes(run: Path) -> dict[str, str]:
    """The nodes that DAGMan gave up when it ran last, with its words on each."""
    try:
        text = (run / FOLDER / MANAGER_OUTPUT).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _failed_by_rescue(run)
    text = text[text.rfind(STARTS_ANEW) :]
    found = {}
    for block in text.split("Node Name: ")[1:]:
        if "STATUS_ERROR" in block:
            error = re.search(r"Error: (.*)", block)
            found[block.split(maxsplit=1)[0]] = error[1].strip() if error else ""
    return found or _failed_by_rescue(run)


def _failed_by_rescue(run: Path) -> dict[str, str]:
    rescues = sorted((run / FOLDER).glob(RESCUE))
    if not rescues:
        return {}
    text = rescues[-1].read_text(encoding="utf-8", errors="replace")
    listed = re.search(r"Nodes that failed: \d+\n#\s*(.*)<ENDLIST>", text)
    return dict.fromkeys(filter(None, listed[1].split(",")), "") if listed else {}


def _node_in_words(node: str) -> str:
    return "the joining job" if node == LAST_NODE else node.replace("_0", " ").replace("_", " ")


def _why(run: Path, node: str, dagman_says: str) -> str:
    place = run if node == LAST_NODE else run / MEMBERS / node.removeprefix("member_")
    code = re.search(r"failed with status (\d+)", dagman_says)
    ending = exit_in_words(int(code[1])) if code else dagman_says
    logged = "job" if node == LAST_NODE else node
    said = _message(place) or last_error(run / LOGS / f"{logged}.err")
    return ": ".join(filter(None, (ending, said))) or f"see {run / LOGS}"


def _message(place: Path) -> str:
    try:
        status = read_status(place)
    except ConfigError:
        return ""
    return str(status.get("message", "")) if status["state"] == "failed" else ""


def exit_in_words(code: int) -> str:
    """An exit code of a job, and what it means where it is a launcher's."""
    return f"exit code {code}" + (f" ({CODES[code]})" if code in CODES else "")


def last_error(file: Path) -> str:
    """The last line by which a launcher told of an error in a file of a job's standard error; "" where there is none."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    errors = [line.removeprefix("error: ").strip() for line in lines if line.startswith("error: ")]
    return errors[-1][:LONGEST_REASON] if errors else ""
