"""What each task says of itself agrees with what its runs are called and measured by."""

import subprocess
import sys
from pathlib import Path

import pytest

from python.commands.tasks import load_task
from python.comparison.direction_runs import has_directions
from python.config.load import parse_config
from python.metrics.merit import larger_is_better
from python.runs.headlines import HEADLINES
from python.tasks import TASKS, about

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", TASKS)
def test_the_main_metric_is_a_headline_of_its_runs(name):
    task, facts = load_task(name), about(name)
    schema = task.schema
    plain = next(name for name, each in schema.architectures.items() if not each.meant_for_search)
    config = parse_config({"model_name": plain}, schema)
    assert schema.name == name
    assert facts.metric in HEADLINES
    assert facts.metric in task.problem_of(config).headlines()
    assert larger_is_better(facts.metric) is not None


@pytest.mark.parametrize("name", [None, "", "python"])
def test_other_names_are_no_tasks(name):
    assert not has_directions(name)


@pytest.mark.parametrize("name", TASKS)
def test_what_it_says_needs_no_packages(name):
    program = f"import sys, python.tasks as t; t.about({name!r}); print(*{{m.split('.')[0] for m in sys.modules}})"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    assert not {"pydantic", "numpy", "tensorflow", "keras"} & set(loaded.split())
