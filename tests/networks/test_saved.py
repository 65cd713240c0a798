"""A saved network loads where nothing of this project has been imported yet."""

import os
import subprocess
import sys
from pathlib import Path

from electron_direction.models import point_network
from python.networks.saved import load_network

ROOT = Path(__file__).resolve().parents[2]
LOAD = "import sys; from python.networks.saved import load_network; print(load_network(sys.argv[1]).count_params())"


def test_a_network_with_layers_of_the_project_loads_in_a_fresh_process(tmp_path):
    path = tmp_path / "network.keras"
    model = point_network.build((), "two_lobes", point_network.PointNetworkParameters(n_point_units=4, dense_units=[4]))
    model.save(path)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) == model.count_params() == load_network(path).count_params()
