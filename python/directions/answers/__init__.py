"""One file for each way to answer; a file declares its `ANSWER`, and in `LOSSES` what trains that answer or another one."""
