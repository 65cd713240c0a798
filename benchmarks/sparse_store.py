"""Memory, load time and batch speed of sparse images against dense arrays, for 20,000 triples of U, V and X images.

The images are the matched triples of the real files in ../shared/data, repeated.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.record import REAL_FILES, save_result, seconds
from python.data.data_origin import DataFolders
from python.data.image_file import ImageFile, write_image_file
from python.data.image_set import load_images
from python.data.sparse_images import SparseImages
from python.detector.geometry import PLANES
from python.ingest.convert import convert
from python.ingest.products import ProductSettings

TRIPLES = 20_000
MANY = 200_000
BATCH = 64


def real_triples(folder: Path) -> dict[str, ImageFile]:
    """The images of complete matches, in the same order on each plane."""
    for path in REAL_FILES:
        convert(path, folder, ProductSettings())
    sets = {plane: load_images(DataFolders([folder]), plane) for plane in PLANES}
    identity = {
        plane: list(zip(s.metadata["source"], s.metadata["match_id"], strict=True)) for plane, s in sets.items()
    }
    common = set.intersection(*(set(names) for names in identity.values()))
    wanted = sorted(name for name in common if name[1] >= 0)
    result = {}
    for plane, images in sets.items():
        rows = np.array([identity[plane].index(name) for name in wanted])
        repeated = np.resize(rows, TRIPLES)
        result[plane] = ImageFile(images.images.take(repeated), images.metadata[repeated], images.sources, plane)
    return result


def all_batches(batch_of, order: np.ndarray) -> None:
    for start in range(0, TRIPLES, BATCH):
        batch_of(order[start : start + BATCH])


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        triples = real_triples(Path(scratch, "real"))
        own, dense_folder = Path(scratch, "own"), Path(scratch)
        for plane, content in triples.items():
            write_image_file(own / f"triples_plane{plane}.npz", content)
            np.savez(dense_folder / f"dense{plane}.npz", images=np.asarray(content.images))
        many = Path(scratch, "many")
        for part in range(MANY // TRIPLES):
            write_image_file(many / f"part{part}_planeX.npz", triples["X"])
        load_many = seconds(lambda: load_images(DataFolders([many]), "X"), repeats=1)
        load_sparse = seconds(lambda: [load_images(DataFolders([own]), plane) for plane in PLANES])
        load_dense = seconds(lambda: [np.load(dense_folder / f"dense{plane}.npz")["images"] for plane in PLANES])
    stores = [content.images for content in triples.values()]
    dense = [np.asarray(store) for store in stores]
    order = np.random.default_rng(0).permutation(TRIPLES)
    batch_sparse = seconds(lambda: all_batches(lambda rows: [store.dense(rows) for store in stores], order))
    batch_dense = seconds(lambda: all_batches(lambda rows: [array[rows] for array in dense], order))
    build = seconds(lambda: [SparseImages.from_dense(array) for array in dense], repeats=1)
    sparse_bytes, dense_bytes = sum(store.nbytes for store in stores), sum(array.nbytes for array in dense)
    save_result(
        "sparse_store",
        {
            "triples": TRIPLES,
            "megabytes": {"sparse": round(sparse_bytes / 1e6, 1), "dense": round(dense_bytes / 1e6, 1)},
            "memory_sparse_over_dense": round(sparse_bytes / dense_bytes, 4),
            "load_seconds": {"sparse": round(load_sparse, 3), "dense": round(load_dense, 3)},
            "load_sparse_over_dense": round(load_sparse / load_dense, 3),
            "triples_per_second_in_batches_of_64": {
                "sparse": round(TRIPLES / batch_sparse),
                "dense": round(TRIPLES / batch_dense),
            },
            "batch_time_sparse_over_dense": round(batch_sparse / batch_dense, 3),
            "seconds_to_load_200000_images_of_one_plane": round(load_many, 2),
            "seconds_to_build_from_dense": round(build, 2),
        },
    )


if __name__ == "__main__":
    main()
