"""Checkpoints as files: arrays and a manifest that is written after them, both checked when they are read, two kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from python.general_purpose_libs import ConfigError, atomic_path, log, read_json, write_json

KEPT = 2


@dataclass(frozen=True, order=True)
class Moment:
    """How far a training is: after `epoch` epochs and `step` steps of the next one."""

    epoch: int
    step: int = 0

    @property
    def name(self) -> str:
        return f"{self.epoch:04d}_{self.step:06d}" if self.step else f"{self.epoch:04d}"

    @classmethod
    def of(cls, name: str) -> Moment:
        """The inverse of `name`."""
        return cls(*map(int, name.split("_")))

    def __str__(self) -> str:
        return f"step {self.step} of epoch {self.epoch + 1}" if self.step else f"epoch {self.epoch}"


BEGINNING = Moment(0)


class DamagedError(Exception):
    """A checkpoint is not as it was written; the text says how."""


class CheckpointFiles:
    """The checkpoints in `folder`: NAME.npz with the arrays, NAME.json with the manifest, NAME from the moment.

    A manifest holds what the training remembers, the SHA-256 of each file of arrays that it needs (its own, and that of the
    best epoch), and its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds = 0.0  # that writing took
        self._checksums: dict[str, str] = {}  # of files of arrays, by name
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._under_way: Future[None] | None = None

    def save(
        self, moment: Moment, arrays: Mapping[str, np.ndarray], memory: Mapping[str, Any], best: Moment | None
    ) -> None:
        """Begin to write a checkpoint, beside the training; then those older than the last two go. `best` may be this moment.

        What is given must not be changed before `wait` has returned.
        """
        self.wait()
        self._under_way = self._writer.submit(self._write, moment, arrays, memory, best)

    def wait(self) -> None:
        """Return when the checkpoint that was begun is written.

        Raises OutputError when it cannot be; the checkpoints before are then as they were.
        """
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def _write(self, moment: Moment, arrays: Mapping[str, Any], memory: Mapping[str, Any], best: Moment | None) -> None:
        started = time.monotonic()
        with atomic_path(self.arrays_of(moment)) as temporary:
            np.savez(temporary, **arrays)
        self._checksums[moment.name] = _checksum(self.arrays_of(moment))
        files = {each.name: self._checksums[each.name] for each in {moment, best or moment}}
        write_json(self._manifest_of(moment), sealed({**memory, "best": best and best.name, "files": files}))
        self._clean()
        self.seconds += time.monotonic() - started

    def newest(self) -> tuple[Moment, dict[str, Any]] | None:
        """Moment and manifest of the newest checkpoint that is as it was written; None when there is none.

        DamagedError ones are said and removed: the training passes there again.
        """
        for moment in reversed(self.moments()):
            try:
                return moment, self.verified(moment)
            except DamagedError as damage:
                log.warning("the checkpoint of %s is damaged (%s); the one before it is used", moment, damage)
                self._manifest_of(moment).unlink(missing_ok=True)
        return None

    def load(self, moment: Moment) -> dict[str, np.ndarray]:
        with np.load(self.arrays_of(moment), allow_pickle=False) as arrays:
            return dict(arrays)

    def arrays_of(self, moment: Moment) -> Path:
        return self.folder / f"{moment.name}.npz"

    def _manifest_of(self, moment: Moment) -> Path:
        return self.folder / f"{moment.name}.json"

    def moments(self) -> list[Moment]:
        """Of all checkpoints, damaged ones too, the oldest first."""
        return sorted(Moment.of(path.stem) for path in self.folder.glob("[0-9]*.json"))

    def _manifest(self, moment: Moment) -> dict[str, Any]:
        path = self._manifest_of(moment)
        try:
            manifest = read_json(path)
        except ConfigError as error:
            raise DamagedError(str(error)) from error
        if not isinstance(manifest, dict) or manifest != sealed(manifest):
            raise DamagedError(f"{path} was changed after it was written")
        return manifest

    def verified(self, moment: Moment) -> dict[str, Any]:
        """The manifest of a checkpoint. Raises DamagedError when that, or a file that it needs, is not as it was written."""
        manifest = self._manifest(moment)
        for name, expected in manifest["files"].items():
            path = self.arrays_of(Moment.of(name))
            if not path.exists():
                raise DamagedError(f"{path} is missing")
            if _checksum(path) != expected:
                raise DamagedError(f"{path} is not as it was written")
        self._checksums |= manifest["files"]
        return manifest

    def _clean(self) -> None:
        """Remove what the last checkpoints do not need, and what a killed process left half written."""
        needed = set()
        for moment in self.moments()[-KEPT:]:
            needed.add(self._manifest_of(moment).name)
            with contextlib.suppress(DamagedError):
                needed.update(f"{name}.npz" for name in self._manifest(moment)["files"])
        for path in self.folder.iterdir():
            if path.name not in needed:
                path.unlink(missing_ok=True)


def sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """`manifest` with the SHA-256 of its content, as `checksum`."""
    content = {name: value for name, value in manifest.items() if name != "checksum"}
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return {**content, "checksum": hashlib.sha256(text.encode()).hexdigest()}


def _checksum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
