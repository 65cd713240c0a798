"""Wall time from a fresh clone to the first report: environment, embedded data set, quick training; and of later starts.

Packages are downloaded anew (no pip cache), so the figure holds the network's share. The picture in the README is this run's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import REAL_FILES, ROOT, save_result
from python.general_purpose_libs import read_json
from python.runs.files import METRICS_FILE


def main() -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PIP_NO_CACHE_DIR": "1"}
    with tempfile.TemporaryDirectory() as scratch:
        clone = Path(scratch, "clone")

        def timed(*command: str | Path) -> float:
            start = time.perf_counter()
            subprocess.run([str(part) for part in command], cwd=scratch, env=environment, check=True, stdout=sys.stderr)
            return round(time.perf_counter() - start, 1)

        train = clone / "scripts" / "train_mt_identifier.sh"
        config = ("-j", clone / "json" / "mt_identifier" / "quick_test.json")
        times = {
            "git clone": timed("git", "clone", "-q", ROOT, clone),
            "environment (validate_config.sh)": timed(clone / "scripts" / "validate_config.sh", config[1]),
            "train_mt_identifier.sh, quick_test, with the embedded data set": timed(train, *config),
        }
        total = round(sum(times.values()), 1)
        (plot,) = Path(scratch).glob("output/**/plots/best_and_worst.png")  # before the second run
        metrics = read_json(plot.parents[1] / METRICS_FILE)
        shutil.copyfile(plot, ROOT / "benchmarks" / "results" / "mt_quick_test.png")
        times["train_mt_identifier.sh, quick_test again"] = timed(train, *config)
        make_images = clone / "scripts" / "make_images.sh"
        times["make_images.sh"] = timed(make_images, "-i", *REAL_FILES, "-o", Path(scratch, "data"))
        times["train_mt_identifier.sh -h"] = timed(train, "-h")
    names = ("n_test", "accuracy", "accuracy_low", "accuracy_high", "auc", "baseline_accuracy", "baseline_auc")
    result = {"seconds_to_first_result": total, "seconds": times, "test_part": {name: metrics[name] for name in names}}
    save_result("first_result", result)


if __name__ == "__main__":
    main()
