"""Training speed of simple_cnn in images a second, beside the machine's own speed at 3x3 convolutions and matrix products.

A training step is counted as three forward passes (forward, gradient of the inputs, gradient of the weights).
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.record import ROOT, save_result, seconds
from mt_identifier.main import TASK
from python.config.load import load_config
from python.data.image_set import ImageSet
from python.data.metadata import empty_metadata
from python.data.sparse_images import SparseImages
from python.samples.batches import Batches
from python.training.device import choose_device

CONFIG = ROOT / "json" / "mt_identifier" / "quick_test.json"
NETWORKS = {  # layers x filters, image, batch
    "2x32 128x16": (2, 32, (128, 16, 1), 64),
    "2x64 128x16": (2, 64, (128, 16, 1), 64),
    "3x64 128x32": (3, 64, (128, 32, 1), 64),
}
PIXELS_PER_IMAGE = 50
IMAGES = 2048


def images(shape: tuple[int, int, int]) -> SparseImages:
    rng = np.random.default_rng(0)
    size = shape[0] * shape[1]
    pixels = [np.sort(rng.choice(size, PIXELS_PER_IMAGE, replace=False)) for _ in range(IMAGES)]
    return SparseImages.from_pixels([(p, rng.uniform(60, 900, len(p))) for p in pixels], shape)


def invented(shape: tuple[int, int, int]) -> ImageSet:
    return ImageSet(images(shape), empty_metadata(IMAGES), [])


def forward_flop(model) -> float:
    """Multiplications and additions of one image's forward pass."""
    total = 0.0
    for layer in model.layers:
        if layer.weights:
            kernel = layer.weights[0].shape
            positions = np.prod(layer.output.shape[1:-1]) if len(kernel) == 4 else 1
            total += 2.0 * np.prod(kernel) * positions
    return float(total)


def training_speed(n_layers: int, n_filters: int, shape: tuple[int, int, int], batch_size: int) -> tuple[float, float]:
    """Images a second of the whole loop, and the GFLOP/s that this takes."""
    from python.training.fitting import Feed, build_model

    config = load_config(
        CONFIG,
        TASK.schema,
        [
            f"model_parameters.input_shape={list(shape)}",
            f"model_parameters.build_parameters.n_conv_layers={n_layers}",
            f"model_parameters.build_parameters.n_filters={n_filters}",
        ],
    )
    model = build_model(TASK, config)
    targets = (np.arange(IMAGES) % 2)[:, None].astype(np.float32)
    feed = Feed(Batches(invented(shape), targets, np.arange(IMAGES), batch_size=batch_size, seed=0))
    times = []

    def epoch() -> None:
        start = time.perf_counter()
        model.fit(feed, epochs=1, verbose=0, shuffle=False)
        times.append(time.perf_counter() - start)

    seconds(epoch, repeats=3)
    rate = IMAGES / min(times)
    return rate, 3 * forward_flop(model) * rate / 1e9


def machine_peak() -> dict[str, float]:
    """GFLOP/s of a 3x3 convolution of 64 channels (128x32, batch 64) and of a 2048 x 2048 matrix product."""
    import tensorflow as tf

    image = tf.random.normal((64, 128, 32, 64))
    kernel = tf.random.normal((3, 3, 64, 64))
    matrix = tf.random.normal((2048, 2048))
    convolution = seconds(lambda: tf.nn.conv2d(image, kernel, 1, "SAME").numpy()[0, 0, 0, 0], repeats=5)
    product = seconds(lambda: tf.linalg.matmul(matrix, matrix).numpy()[0, 0], repeats=5)
    return {
        "convolution_3x3": round(2 * 9 * 64 * 64 * 128 * 32 * 64 / convolution / 1e9, 1),
        "matrix_product": round(2 * 2048**3 / product / 1e9, 1),
    }


def main() -> None:
    device = choose_device("cpu")
    peak = machine_peak()
    networks = {}
    for name, parameters in NETWORKS.items():
        rate, gflop = training_speed(*parameters)
        networks[name] = {
            "images_per_second": round(rate),
            "gflop_per_second": round(gflop, 1),
            "share_of_convolution_peak": round(gflop / peak["convolution_3x3"], 2),
        }
    save_result("training_throughput", {"device": device, "peak_gflop_per_second": peak, "networks": networks})


if __name__ == "__main__":
    main()
