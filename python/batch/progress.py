"""What a training on a batch node says of itself into its job's ad, where the queue shows it: its folder is not seen meanwhile.

It speaks with HTCondor's starter on the node in the Chirp protocol ("condor_chirp", set_job_attr_delayed): lines over a
connection that the starter offers, with a cookie in a file. What is said travels with the starter's next report, within minutes.
"""

from __future__ import annotations

import os
import re
import socket
import time
from dataclasses import dataclass

from python.general_purpose_libs import log

PROGRESS = "ChirpTraining"  # HTCondor takes attributes of this prefix
PLACE_OF_THE_STARTER = "_CONDOR_CHIRP_CONFIG"  # environment variable: a file with host, port and cookie
ANSWER_WITHIN_S = 5.0


@dataclass(frozen=True)
class Progress:
    """Epochs that are done, of how many; the best value of what is monitored; and when that was said (s, Unix)."""

    epoch: int
    epochs: int
    name: str
    best: float | None
    when: float


def tell(epoch: int, epochs: int, name: str, best: float | None) -> None:
    """Tell the queue how far the training is. Where there is no starter, or it does not listen, nothing happens."""
    file = os.environ.get(PLACE_OF_THE_STARTER)
    if not file:
        return
    value = f'"{epoch} {epochs} {name} {best!r} {time.time():.0f}"'
    try:
        with open(file, encoding="utf-8") as place:
            host, port, cookie = place.read().split()
        with socket.create_connection((host, int(port)), timeout=ANSWER_WITHIN_S) as starter:
            answers = starter.makefile("rb")
            for words in (("cookie", cookie), ("set_job_attr_delayed", PROGRESS, value)):
                starter.sendall((" ".join(map(_quoted, words)) + "\n").encode())
                _require_number(answers.readline().strip(), words[0])
    except (OSError, ValueError) as error:
        log.debug("the queue is not told of the progress: %s", error)


def _require_number(answer: bytes, asked: str) -> None:
    if not answer.isdigit():
        raise OSError(f"the starter refuses {asked} ({answer.decode(errors='replace') or 'no answer'})")


def read_progress(value: object) -> Progress | None:
    """What `tell` said; None where it is nothing of that."""
    words = value.split() if isinstance(value, str) else []
    try:
        epoch, epochs, name, best, when = words
        return Progress(int(epoch), int(epochs), name, None if best == "None" else float(best), float(when))
    except ValueError:
        return None


def _quoted(word: str) -> str:
    return re.sub(r"[\\ \n\t\r]", r"\\\g<0>", word)
