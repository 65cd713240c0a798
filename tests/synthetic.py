"""Small invented data for tests: main tracks are long lines, background is a few pixels."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from python.data.image_file import ImageFile, write_image_file
from python.data.metadata import empty_metadata
from python.data.sources import DIGITS, Source
from python.data.sparse_images import SparseImages

SHAPE = (128, 32)


def cluster_images(n: int, seed: int = 0, shape: tuple[int, int] = SHAPE) -> tuple[np.ndarray, np.ndarray]:
    """Return dense images (n, H, W) and whether each is a main track; every second one is."""
    rng = np.random.default_rng(seed)
    images = np.zeros((n, *shape), np.float32)
    main = np.arange(n) % 2 == 1
    for image, is_main in zip(images, main, strict=True):
        length = int(rng.integers(30, 60)) if is_main else int(rng.integers(3, 8))
        ticks = shape[0] // 2 - length // 2 + np.arange(length)
        channels = np.clip(shape[1] // 2 + np.cumsum(rng.normal(0, 0.2, length)), 0, shape[1] - 1).astype(int)
        image[ticks, channels] = rng.uniform(60, 800, length)
    return images, main


def named_source(name: str) -> Source:
    """A source whose content nothing but its name decides."""
    return Source(name, hashlib.sha256(name.encode()).hexdigest()[:DIGITS])


def image_file(n: int = 40, seed: int = 0, plane: str = "X", source: str = "one.root", shape=SHAPE) -> ImageFile:
    """Two images an event, one of them the main track; every second event is elastic scattering."""
    images, main = cluster_images(n, seed, shape)
    table = empty_metadata(n)
    rng = np.random.default_rng([seed, 1])
    table["source"] = 0
    table["event"] = np.arange(n) // 2
    table["run"], table["subrun"] = 1, 0
    table["is_marley"] = 1
    table["is_main_track"] = main
    table["is_es_interaction"] = np.arange(n) // 2 % 2
    table["plane"] = "UVX".index(plane)
    table["cluster_energy"] = images.sum(axis=(1, 2)) / 4100
    table["true_electron_energy"] = rng.uniform(5, 50, n)
    table["n_tps"] = 3
    table["match_id"] = np.arange(n) // 2
    return ImageFile(SparseImages.from_dense(images), table, [named_source(source)], plane)


def make_older(path: Path) -> None:
    """Turn an own file, of images or points, into one of format version 2."""
    arrays = dict(np.load(path))
    for name in ("run", "subrun", "source_ids"):
        del arrays[name]
    arrays["format_version"] = np.int64(2)
    np.savez(path, **arrays)


def write_folder(folder: Path, n: int = 40, files: int = 1, plane: str = "X", shape=SHAPE, kind="clusters") -> Path:
    """Fill `folder` with own image files of `n` images each."""
    for number in range(files):
        content = replace(image_file(n, number, plane, f"file{number}.root", shape), kind=kind)
        write_image_file(folder / f"file{number}{'_volume' * (kind == 'volumes')}_plane{plane}.npz", content)
    return folder


def old_metadata(n: int, columns: int, plane: str = "X", seed: int = 0) -> np.ndarray:
    """Metadata as old dense files hold them, by the number of columns (11: with direction and plane)."""
    rng = np.random.default_rng(seed)
    flags = np.stack([np.ones(n), np.arange(n) % 2, np.arange(n) // 2 % 2], axis=1)
    position, momentum = rng.uniform(-300, 300, (n, 3)), rng.normal(0, 0.01, (n, 3))
    direction = momentum / np.linalg.norm(momentum, axis=1, keepdims=True)
    event, plane_number = np.arange(n)[:, None] // 2, np.full((n, 1), "UVX".index(plane))
    energies, nu_energy = rng.uniform(2, 40, (n, 2)), rng.uniform(5, 60, n)[np.arange(n) // 2 * 2][:, None]
    thirteen = [event, flags, position, momentum, energies, plane_number]
    match, nu_momentum = np.arange(n)[:, None] // 2, rng.normal(0, 0.01, (n, 3))
    parts = {
        11: [flags[:, :2], position, direction, nu_energy, energies[:, :1], plane_number],
        12: [flags, position, momentum, nu_energy, energies[:, :1], plane_number],
        13: thirteen,
        14: [*thirteen, match],
        18: [*thirteen, match, nu_energy, nu_momentum],
    }
    return np.concatenate(parts[columns], axis=1).astype(np.float32)


def write_old_file(path: Path, n: int = 20, columns: int = 18, plane: str = "X", seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, images=cluster_images(n, seed)[0], metadata=old_metadata(n, columns, plane, seed))
    return path


def old_volume_rows(n: int, plane: str = "X", seed: int = 0) -> list[dict]:
    """Metadata of `n` volumes by the names and types of the older toolkit; every second one is elastic scattering."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        momentum, nu_momentum = rng.normal(0, 0.01, (2, 3))
        rows.append(
            {
                "event": number,
                "plane": plane,
                "interaction_type": "ES" if number % 2 else "CC",
                "particle_energy": 8.0,
                "cluster_energy": float(rng.uniform(2, 40)),
                "main_track_momentum": np.linalg.norm(momentum),
                **{f"main_track_momentum_{axis}": float(p) for axis, p in zip("xyz", momentum, strict=True)},
                **{
                    f"main_track_neutrino_momentum_{axis}": float(p) for axis, p in zip("xyz", nu_momentum, strict=True)
                },
                "image_shape": (208, 1242),
                "main_cluster_match_id": number - 1,
                "source_root_file": f"/data/{'es' if number % 2 else 'cc'}_{seed}_clusters.root",
            }
        )
    return rows


def write_old_volume_file(path: Path, images: list[np.ndarray], rows: list[dict], floats: bool = False) -> Path:
    """Write volumes as the older toolkit does: pickled arrays, or with `floats` one array of Python floats."""
    stored = np.array(images, object) if floats else np.empty(len(images), object)
    for number, image in enumerate([] if floats else images):
        stored[number] = image
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, images=stored, metadata=np.array(rows, object))
    return path
