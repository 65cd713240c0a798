"""train_shipped.sh: make the networks that come with the project again, from nothing."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python.commands.parser import CommandParser
from python.commands.path_option import named_path
from python.commands.simulate import make_parser as simulation_parser
from python.commands.simulate import simulation_settings
from python.commands.tasks import load_task
from python.general_purpose_libs import (
    PROJECT,
    ConfigError,
    atomic_folder,
    log,
    run_command,
    start_logging,
    utc_now,
)
from python.tasks import TASKS

if TYPE_CHECKING:
    from python.ingest.readout import Readout
    from python.training.shipping import Recipe
    from python.training.trained import Trained

EXAMPLE_EVENTS = 24
TRY_EVENTS, TRY_EPOCHS = 500, 2


def make_parser() -> CommandParser:
    parser = CommandParser(
        prog="train_shipped.sh",
        allow_abbrev=False,
        description="Make the networks that come with the project again, from nothing: simulate the events, train, judge by "
        "events of a seed of their own, and write the network with its card to TASK/pretrained/NAME. What is to be made says "
        "TASK/pretrained/recipe.json. Called again, it goes on where it stopped. The last lines of standard output are the "
        "folders of the networks.",
        epilog="Exit codes: those of simulate.sh and train_TASK.sh. example: ./scripts/train_shipped.sh electron_direction",
    )
    add = parser.add_argument
    add("tasks", nargs="*", choices=[*TASKS, []], metavar="TASK", help=f"{', '.join(TASKS)}; default: all")
    add(
        "-o",
        "--output",
        type=named_path,
        default=Path("output/shipped"),
        metavar="DIR",
        help="folder for events and runs, some GB; default: output/shipped",
    )
    add(
        "--try",
        dest="a_try",
        action="store_true",
        help=f"only show that all steps work: {TRY_EVENTS} events and {TRY_EPOCHS} epochs; the network goes to DIR",
    )
    add("-v", "--verbose", action="store_true", help="say more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    start_logging(options.verbose)
    from python.training.shipping import Recipe

    recipes = [Recipe.of(task) for task in options.tasks or TASKS]
    if options.a_try:
        recipes = [recipe.shortened(TRY_EVENTS) for recipe in recipes]
    made = [_made(recipe, Path(options.output), options.a_try) for recipe in recipes]
    for folder in made:
        print(folder)
    return 0


def _made(recipe: Recipe, work: Path, a_try: bool) -> Path:
    """Make the network of the recipe with events and runs in `work`; return its folder."""
    from python.runs.shipped import pretrained
    from python.training.shipping import merits, ship
    from python.training.trained import Trained

    work = work / ("tries" if a_try else "") / recipe.task
    test = _simulated(work / "data" / "test", recipe.test)
    run: Path | None = None
    for number, training in enumerate(recipe.trainings, start=1):
        data = [_simulated(work / "data" / name, words) for name, words in training.data.items()]
        words = ["-j", str(PROJECT / training.configuration), "-d", *map(str, data)]
        words += [] if run is None else ["--continue-from", str(run)]
        words += ["--set", f"model_parameters.epochs={TRY_EPOCHS}"] if a_try else []
        run = _trained(recipe.task, work / "runs" / str(number), words)
    if run is None:
        raise ConfigError(f"{recipe.task}: the recipe has no training")
    trained = Trained.load(load_task(recipe.task), run)
    log.info("%s: judged by %s", run, test)
    figures = merits(trained, str(test))
    folder = (work if a_try else pretrained(recipe.task)) / recipe.name
    with atomic_folder(folder) as unfinished:
        ship(trained, _example(recipe), _card(recipe, trained, figures, a_try), unfinished)
    return folder


def _simulated(folder: Path, words: str) -> Path:
    _run("python.commands.simulate", ["-o", str(folder), *shlex.split(words)])
    return folder


def _trained(task: str, home: Path, words: Sequence[str]) -> Path:
    """The run of a training in `home`: one that is there, gone on with where it was interrupted, or a new one."""
    from python.runs.find import find_runs
    from python.runs.status import read_status

    runs = find_runs(home, task) if home.is_dir() else []
    if runs and read_status(runs[-1])["state"] == "done":
        return runs[-1]
    words = ["--resume", str(runs[-1])] if runs else [*words, "-o", str(home)]
    return Path(_run("python.commands.train", [task, *words]))


def _run(module: str, words: Sequence[str]) -> str:
    """Run a command of the project; return the last line of its standard output. What went wrong it has said itself."""
    last = ""
    with subprocess.Popen([sys.executable, "-m", module, *words], stdout=subprocess.PIPE, text=True) as process:
        for last in process.stdout or ():
            print(last, end="", flush=True)
    if process.returncode:
        raise SystemExit(process.returncode)
    return last.strip()


def _example(recipe: Recipe) -> Readout:
    """A few of the events that the network is judged by, as they are read out."""
    from python.simulation.event_list import plan_events
    from python.simulation.events import simulate_readout

    words = [*shlex.split(recipe.test), "-n", str(EXAMPLE_EVENTS), "-o", "nowhere"]
    settings = simulation_settings(simulation_parser().parse_args(words))
    return simulate_readout(settings, plan_events(settings), 0)


def _card(recipe: Recipe, trained: Trained, figures: dict[str, Any], a_try: bool) -> dict[str, Any]:
    if missing := [name for name in recipe.figures if name not in figures]:
        raise ConfigError(f"{recipe.task}: the recipe wants {', '.join(missing)}, which no metric is called")
    ends = ("", "_low", "_high")
    told = {name: [figures[name + end] for end in ends if name + end in figures] for name in recipe.figures}
    return {
        "name": recipe.name,
        "task": recipe.task,
        "network": trained.config.model_name,
        "answers": recipe.answers,
        "not_for": recipe.not_for,
        "trained_on": {
            name: f"simulate.sh {words}" for training in recipe.trainings for name, words in training.data.items()
        },
        "judged_by": f"simulate.sh {recipe.test}",
        "configurations": [training.configuration for training in recipe.trainings],
        "made_by": f"./scripts/train_shipped.sh {recipe.task}{' --try' if a_try else ''}",
        "made": utc_now(),
        "figures": told,
    }


if __name__ == "__main__":
    sys.exit(run_command(main))
