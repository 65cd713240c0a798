"""Event logs and DAGMan's files as HTCondor writes them (manual, version 25: "In the Job Event Log File", "The Rescue DAG")."""

from datetime import datetime, timedelta

BEGAN = datetime(2026, 11, 21, 10, 0, 0)
USAGE = """\tPartitionable Resources :    Usage  Request Allocated
\t   Cpus                 :     0.83        1         1
\t   Disk (KB)            :  1325305  2097152 166513009
\t   GPUs                 :     0.52        1         1 "GPU-1"
\t   Memory (MB)          : {memory:>8}    16384     16384
"""
TIMES = """\t\tUsr 0 00:50:04, Sys 0 00:00:12  -  Run Remote Usage
\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  Run Local Usage
"""
TOTALS = TIMES.replace("Run ", "Total ")
BYTES = "\t999283  -  {0} Bytes Sent By Job\n\t822  -  {0} Bytes Received By Job\n"
TEXTS = {  # name: code and text
    "submitted": (0, "Job submitted from host: <10.0.0.1:9618?addrs=10.0.0.1-9618&alias=submit.example.org&noUDP>\n"),
    "carried": (
        40,
        "Started transferring input files\n\tTransferring to host: <10.0.0.7:9618?alias=gpu7.example.org>\n",
    ),
    "executing": (
        1,
        "Job executing on host: <10.0.0.7:9618?addrs=10.0.0.7-9618&alias={host}.example.org&noUDP&sock=startd_1_2>\n"
        '\tSlotName: slot1_1@{host}.example.org\n\tCondorScratchDir = "/var/lib/condor/execute/dir_1"\n\tCpus = 1\n'
        "\tMemory = 16384\n",
    ),
    "size": (
        6,
        "Image size of job updated: 5302136\n\t{memory}  -  MemoryUsage of job (MB)\n"
        "\t5224448  -  ResidentSetSize of job (KB)\n",
    ),
    "evicted": (
        4,
        f"Job was evicted. Code 1022 Subcode 0\n\t(0) CPU times\n{TIMES}{BYTES.format('Run')}"
        f"\tReason: Job vacated by schedd\n{USAGE}",
    ),
    "requeued": (
        4,
        f"Job was evicted.\n\t(0) Job terminated and was requeued\n{TIMES}{BYTES.format('Run')}"
        f"\t(1) Normal termination (return value {{code}})\n{USAGE}",
    ),
    "held": (12, "Job was held.\n\t{reason}\n\tCode 21 Subcode 102\n"),
    "released": (13, "Job was released.\n\tvia condor_release (by user me)\n"),
    "removed": (9, "Job was aborted.\n\tvia condor_rm (by user me)\n"),
    "suspended": (10, "Job was suspended.\n\tNumber of processes actually suspended: 1\n"),
    "resumed": (11, "Job was unsuspended.\n"),
    "disconnected": (
        22,
        "Job disconnected, attempting to reconnect\n    Socket between submit and execute hosts closed unexpectedly\n"
        "    Trying to reconnect to slot1_1@gpu7.example.org <10.0.0.7:9618>\n",
    ),
    "ended": (
        5,
        f"Job terminated.\n\t(1) Normal termination (return value {{code}})\n{TIMES}{TOTALS}{BYTES.format('Run')}"
        f"{BYTES.format('Total')}{USAGE}\n\tJob terminated of its own accord at 2026-11-21T11:10:00Z with exit-code {{code}}.\n",
    ),
    "killed": (
        5,
        f"Job terminated.\n\t(0) Abnormal termination (signal 9)\n\t(0) No core file\n{TIMES}{TOTALS}{BYTES.format('Run')}"
        f"{BYTES.format('Total')}",
    ),
}


def event(name, minutes, cluster=77, *, stamp="%Y-%m-%d %H:%M:%S", **values):
    """The entry of an event, so many minutes after BEGAN."""
    code, text = TEXTS[name]
    moment = (BEGAN + timedelta(minutes=minutes)).strftime(stamp)
    known = {"host": "gpu7", "memory": 5102, "code": 0, "reason": "memory usage exceeded request_memory"}
    return f"{code:03} ({cluster}.000.000) {moment} {text.format(**known | values)}...\n"


def write_log(path, *events):
    """The path of a log of events: texts, or what `event` takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(each if isinstance(each, str) else event(*each) for each in events))
    return path


def dagman_out(cluster, failed, status):
    """DAGMan's own account, with its end where some nodes failed: node, exit code and error."""
    stamp = "11/21/26 10:14:17 "
    lines = ["******************************************************"]
    lines += [f"** condor_scheduniv_exec.{cluster}.0 (CONDOR_DAGMAN) STARTING UP", "Bootstrapping..."]
    for node, code in failed.items():
        lines += [
            "---------------------- Node ----------------------",
            f"      Node Name: {node}",
            "           Noop: false",
        ]
        lines += ["         NodeID: 1", "    Node Status: STATUS_ERROR    ", f"Node return val: {code}"]
        lines += [f"          Error: Job proc (91.0.0) failed with status {code} (after 2 node retries)"]
        lines += ["Job Submit File: member.sub", "PARENTS:  WAITING: 0 CHILDREN: join"]
    lines += ["---------------------------------------\t<END>", "Aborting DAG..."] if failed else []
    lines += [f"**** condor_scheduniv_exec.{cluster}.0 (condor_DAGMAN) pid 445 EXITING WITH STATUS {status}"]
    return "".join(f"{stamp}{line}\n" for line in lines)


def rescue_dag(done, failed):
    listed = ",".join([*failed, "<ENDLIST>"])
    return (
        "# Rescue DAG file, created after running\n#   the ensemble.dag DAG file\n# Created 11/21/2026 10:14:17 UTC\n"
        f"# Rescue DAG version: 2.0.1 (partial)\n#\n# Total number of Nodes: 4\n# Nodes premarked DONE: {len(done)}\n"
        f"# Nodes that failed: {len(failed)}\n#   {listed}\n\n" + "".join(f"DONE {node}\n" for node in done)
    )
