"""The peak signal-to-noise ratio (PSNR) of reconstructions with their originals."""

import numpy as np

from zoo_core.evaluation.intervals import Rated, mean_of
from zoo_core.evaluation.metric import Evaluand, Metric, Need, score
from zoo_core.evaluation.record import Score
from zoo_core.evaluation.ssim import in_blocks, over_pairs

CAP = 100.0


class PSNR(Metric):
    """10 log₁₀(255² / MSE) in dB for each pair, MSE over its pixels and channels, and the mean of that over pairs.

    A pair's PSNR is at most 100 dB: identical images have an infinite one, and this is what super-resolution code
    customarily counts for them.
    """

    name = "psnr"
    needs: Need = "reconstructions"
    ideal = CAP

    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        values = over_pairs("PSNR", evaluand, psnr_of)
        return {"psnr": score(Rated(mean_of(values), "PSNR (dB)", "higher", len(values)), len(values))}


def psnr_of(originals: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The PSNR of each pair in dB, (N,) float64, of uint8 images (N, H, W, C)."""
    errors = in_blocks(originals, others, lambda x, y: np.mean((x - y) ** 2, axis=(1, 2, 3)))
    with np.errstate(divide="ignore"):  # identical pairs
        return np.minimum(CAP, 10 * np.log10(255**2 / errors))
