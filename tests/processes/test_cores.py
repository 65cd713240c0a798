import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot be told which cores to use")
def test_a_process_uses_no_more_cores_than_it_is_allowed():
    program = (
        "from python.processes.cores import limit_cores, processor_cores\n"
        "all_of_them = processor_cores()\n"
        "for most in (all_of_them + 1, all_of_them, 1):\n"
        "    limit_cores(most)\n"
        "    assert processor_cores() == min(most, all_of_them)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
