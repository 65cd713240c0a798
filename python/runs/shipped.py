"""Networks that come with the project, in `<task>/pretrained/NAME/`: what a run folder holds for answering, with a card.

`<task>/pretrained/recipe.json` names the network that a task uses when none is named, and says how `train_shipped.sh` makes it.
The card says what a network answers, what it was trained on, how well it does, and what it must not be used for.
"""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import Any

from python.config.problems import did_you_mean
from python.general_purpose_libs import ConfigError, read_json
from python.tasks import TASKS

PRETRAINED = "pretrained"
RECIPE_FILE = "recipe.json"
CARD_FILE = "card.json"
EXAMPLE_FILE = "example.npz"  # trigger primitives of a few events, and what the network answers for them


def pretrained(task: str) -> Path:
    """The folder of a task's shipped networks."""
    return Path(str(importlib.import_module(task).__file__)).parent / PRETRAINED


def shipped_networks(task: str) -> dict[str, Path]:
    """The folders of a task's shipped networks by their names."""
    return {card.parent.name: card.parent for card in sorted(pretrained(task).glob(f"*/{CARD_FILE}"))}


def network_folder(named: str | None, task: str | None) -> Path:
    """The folder of a network that a command line names: a folder, or the name of a shipped one, of one task or of any.

    The shipped network of `task` where none is named. ConfigError: there is none, or one that is shipped was changed.
    """
    folder = _of_task(task) if named is None else _named(named, task)
    check_whole(folder)
    return folder


def _of_task(task: str | None) -> Path:
    if task is None:
        raise ConfigError("name a network with -m, or a task with -t whose shipped network is used")
    recipe, there = pretrained(task) / RECIPE_FILE, shipped_networks(task)
    name = read_json(recipe)["name"] if recipe.is_file() else None
    if name not in there:
        raise ConfigError(
            f"no network of {task} is shipped; train one with train_{task}.sh, or all with train_shipped.sh, and name it with -m"
        )
    return there[name]


def _named(named: str, task: str | None) -> Path:
    if Path(named).is_dir():
        return Path(named)
    there = [(name, folder) for of in TASKS if task in (None, of) for name, folder in shipped_networks(of).items()]
    found = [folder for name, folder in there if name == named]
    if len(found) > 1:
        raise ConfigError(f"{named}: networks of several tasks have this name; say which task with -t")
    if not found:
        names = sorted({name for name, _ in there})
        known = f"shipped are {', '.join(names)}" if names else "none are shipped"
        raise ConfigError(
            f"{named}: no such folder, and no shipped network{did_you_mean(named, names)}; give the folder that a training "
            f"printed, or a name ({known})"
        )
    return found[0]


def read_card(folder: Path) -> dict[str, Any] | None:
    """The card of a shipped network; None for other folders."""
    path = folder / CARD_FILE
    return read_json(path) if path.is_file() else None


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in the folder but the card, which lists them."""
    files = (path for path in sorted(folder.iterdir()) if path.is_file() and path.name != CARD_FILE)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def check_whole(folder: Path) -> None:
    """Raise ConfigError where files of a shipped network are missing or were changed; other folders have nothing to compare."""
    card = read_card(folder)
    if card is None:
        return
    there = digests(folder)
    wrong = [name for name, digest in card["files"].items() if there.get(name) != digest]
    if wrong:
        raise ConfigError(
            f"{folder}: {', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not what the card lists; take the folder from "
            "the project again, or make it with train_shipped.sh"
        )
