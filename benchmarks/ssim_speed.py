"""SSIM of many pairs at once against a loop over scikit-image's structural_similarity, in one process.

    python benchmarks/ssim_speed.py

The values are checked to agree first. Prints pairs a second (median of rounds that take turns, so that both see the
same machine) and their ratio.
"""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from skimage.metrics import structural_similarity

from zoo_core.evaluation.ssim import ssim_of

SETS = [(2000, 28, 28, 1), (2000, 32, 32, 3), (100, 256, 256, 3)]
ROUNDS = 5


def looped(originals: np.ndarray, others: np.ndarray) -> list[float]:
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    pairs = zip(originals, others, strict=True)
    return [structural_similarity(*pair, channel_axis=-1, **settings) for pair in pairs]


def seconds(measure: Callable, *images: np.ndarray) -> float:
    began = time.perf_counter()
    measure(*images)
    return time.perf_counter() - began


def main() -> None:
    random = np.random.default_rng(0)
    print("| pairs | scikit-image, pairs/s | zoo, pairs/s | ratio |\n|---|---|---|---|")
    for shape in SETS:
        images = [random.integers(0, 256, shape, dtype=np.uint8) for _ in range(2)]
        np.testing.assert_allclose(ssim_of(*images), looped(*images), atol=1e-12)
        rounds = [(seconds(looped, *images), seconds(ssim_of, *images)) for _ in range(ROUNDS)]
        theirs, ours = (median(times) for times in zip(*rounds, strict=True))
        size = "x".join(map(str, shape[1:]))
        print(f"| {shape[0]} of {size} | {shape[0] / theirs:,.0f} | {shape[0] / ours:,.0f} | {theirs / ours:.2f} |")


if __name__ == "__main__":
    main()
