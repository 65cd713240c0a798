"""Candidates of a burst file by file, kept on disk: what was asked of the networks once need not be asked again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from python.data.npz import read_npz, write_npz
from python.directions.lobes import Lobes
from python.general_purpose_libs import ConfigError, DataError, read_json, write_json
from python.pointing.candidates import ARRAYS, Candidates, Truth
from python.runs.predictions import Clusters

FOLDER, SETTINGS_FILE = "candidates", "settings.json"
_CLUSTERS, _TRUTH = "clusters_", "truth_"


class CandidateFiles:
    """The candidates of data files, in `folder`, each under the name of its file."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """`settings` are plain JSON values that decide what candidates are. ConfigError where others are kept there."""
        self.folder, self._sources = folder / FOLDER, dict[str, tuple[str, ...]]()  # of files that were looked into
        path = self.folder / SETTINGS_FILE
        different = _different(read_json(path), settings) if path.exists() else []
        if different:
            raise ConfigError(
                f"{self.folder}: holds candidates that were made with other settings ({', '.join(different)}); choose another "
                "folder with -o, or remove it"
            )
        write_json(path, dict(settings))

    def names(self) -> list[str]:
        """Of the files whose candidates are kept, in order."""
        return sorted(path.name.removesuffix(".npz") for path in self.folder.glob("*.npz"))

    def name_of(self, source: str) -> str | None:
        """Under which name the candidates of a source are kept, by what tells its content; None: they are not."""
        for name in self.names():
            if name not in self._sources:
                ids = self.read(name).clusters.source_ids
                self._sources[name] = () if ids is None else tuple(ids.tolist())
            if source in self._sources[name]:
                return name
        return None

    def keep(self, name: str, candidates: Candidates) -> None:
        """Raises OutputError."""
        clusters = {each.name: getattr(candidates.clusters, each.name) for each in fields(Clusters)}
        write_npz(
            self.folder / f"{name}.npz",
            {
                **{each: getattr(candidates, each) for each in ARRAYS},
                "eta": candidates.lobes.eta,
                "probability": candidates.lobes.probability,
                **{f"{_CLUSTERS}{each}": values for each, values in clusters.items() if values is not None},
                **{f"{_TRUTH}{each.name}": getattr(candidates.truth, each.name) for each in fields(Truth)},
            },
        )

    def read(self, name: str) -> Candidates:
        """Raises DataError."""
        path = self.folder / f"{name}.npz"
        arrays = read_npz(path)
        try:
            return Candidates(
                clusters=Clusters(**_beginning_with(_CLUSTERS, arrays)),
                lobes=Lobes(arrays["eta"], arrays["probability"]),
                truth=Truth(**_beginning_with(_TRUTH, arrays)),
                **{each: arrays[each] for each in ARRAYS},
            )
        except (KeyError, TypeError) as error:
            raise DataError(f"{path}: holds no candidates ({error}); remove it, and it is made again") from error

    def all(self) -> Candidates:
        """Those of all files, in the order of their names."""
        return Candidates.concatenate([self.read(name) for name in self.names()])


def _different(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    return [name for name in {**there, **here} if there.get(name) != here.get(name)]


def _beginning_with(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
