"""What a training is asked for: a command line, once it is parsed."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from typing import Any

from python.config.overrides import Options


@dataclass(frozen=True)
class Submission:
    """What is known of a request by who submits it: whether it is a try, and the commit of the code."""

    a_try: bool
    commit: str | None


@dataclass(frozen=True)
class TrainingRequest:
    """The options of a launcher by their names, as args.json keeps them; `submitted` where a batch job is to start it."""

    json: str | None = None
    output: str | None = None
    data: tuple[str, ...] | None = None
    plane: str | None = None
    max_samples: int | None = None
    overrides: tuple[str, ...] = ()
    resume: str | None = None
    continue_from: str | None = None
    stop_after: float | None = None
    member: int | None = None
    skip_bad_files: bool = False
    force_version: bool = False
    dry_run: bool = False
    verbose: bool = False
    submitted: Submission | None = None

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> TrainingRequest:
        """That of a command line."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in vars(parsed).items()
        }
        return cls(**given)

    @property
    def options(self) -> Options:
        """What it changes of the configuration beside `overrides`."""
        return Options(self.output, self.data, self.plane, self.max_samples, self.continue_from)

    def arguments(self) -> dict[str, Any]:
        """The content of args.json."""
        arguments = asdict(self)
        submitted = arguments.pop("submitted")
        return {**arguments, **(submitted or {})}
