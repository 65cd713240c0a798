"""Does a network that has seen only this simulation work on events of the full one?

The main-track identifier is trained on simulated events without backgrounds, as the real files have none, and then judges the
clusters of the 60 real events. Their AUC, with its 68 % interval, stands beside that on simulated clusters of the test part.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import cast

from benchmarks.record import REAL_FILES, ROOT, save_result
from mt_identifier.main import TASK
from python.data.data_origin import DataFolders
from python.data.image_set import load_images
from python.general_purpose_libs import read_json
from python.ingest.convert import convert
from python.ingest.products import ProductSettings
from python.metrics.classification import area_under_roc
from python.runs.files import METRICS_FILE
from python.runs.predictions import ClassPredictions
from python.training.trained import Trained

N_EVENTS = 6000
CHANGES = ("dataset_parameters.max_samples=null", "model_parameters.batch_size=64")


def run(*arguments: str | Path) -> Path:
    """Run a command of the project and return the path that it prints last."""
    command = [sys.executable, "-m", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.splitlines()[-1])


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        simulated, real = Path(scratch, "simulated"), Path(scratch, "real")
        real.mkdir()
        for path in REAL_FILES:
            convert(path, real, ProductSettings())
        run("python.commands.simulate", "-o", simulated, "-n", str(N_EVENTS), "--background", "none")
        config = ROOT / "json" / "mt_identifier" / "quick_test.json"
        result = {}
        for plane in ("U", "V", "X"):
            options = ("-j", config, "-d", simulated, "-o", scratch, "--plane", plane, "--set", *CHANGES)
            folder = run("python.commands.train", "mt_identifier", *options)
            metrics = read_json(folder / METRICS_FILE)
            images = load_images(DataFolders([real]), plane).fit_to((128, 16, 1))
            answers = cast("ClassPredictions", Trained.load(TASK, folder).answers(images))
            area = area_under_roc(answers.labels == 1, answers.scores[:, -1])
            result[plane] = {
                "simulated": {"clusters": metrics["n_test"], "auc": round(metrics["auc"], 3)},
                "real": {
                    "clusters": len(answers),
                    "auc": [round(float(x), 3) for x in (area.value, area.low, area.high)],
                },
            }
    save_result("carry_over", {"training_events": N_EVENTS, **result})


if __name__ == "__main__":
    main()
