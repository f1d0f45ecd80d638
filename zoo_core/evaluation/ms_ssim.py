"""The multi-scale structural similarity (MS-SSIM) of reconstructions with their originals."""

import numpy as np

from zoo_core.evaluation.intervals import Rated, mean_of
from zoo_core.evaluation.metric import Evaluand, Metric, Need, NotApplicable, score
from zoo_core.evaluation.record import Score
from zoo_core.evaluation.ssim import GAUSSIAN, in_blocks, over_pairs, similarities

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, from the finest: Wang, Simoncelli & Bovik 2003, section 3.2. Their sum is 1.0001, as published."""


class MSSSIM(Metric):
    """Wang, Simoncelli & Bovik 2003, "Multi-scale structural similarity for image quality assessment", eq. 7, mean
    over channels and pairs, in [0, 1].

    The window and the constants are those of SSIM. From scale to scale 2×2 pixels are averaged, an odd side
    having got a zero in front; negative terms count as 0: as in pytorch-msssim 1.0.0, with which it agrees to 1e-6.

    Five scales need sides of 161 pixels. Smaller images have as many as the window fits in, their weights divided
    by their sum, which gives other numbers and so a key that says how many: `ms_ssim_3`.
    """

    name = "ms_ssim"
    needs: Need = "reconstructions"
    ideal = 1.0

    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        suffix, label = scale_names("MS-SSIM", evaluand.reference.images.shape)
        values = over_pairs("MS-SSIM", evaluand, ms_ssim_of)
        rated = Rated(mean_of(values), f"MS-SSIM{label}", "higher", len(values))
        return {f"ms_ssim{suffix}": score(rated, len(values))}


def ms_ssim_of(originals: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The MS-SSIM of each pair, (N,) float64, of uint8 images (N, H, W, C) with sides of at least 11 pixels."""
    scales = scales_of(originals.shape[1:])
    weights = np.array(WEIGHTS[:scales])
    if scales < len(WEIGHTS):
        weights /= weights.sum()
    return in_blocks(originals, others, lambda x, y: _over_scales(x, y, weights).mean(axis=1))


def scales_of(shape: tuple[int, ...]) -> int:
    """How many scales fit in an image of this shape (H, W, C): each halves the sides, rounded up."""
    side, scales = min(shape[:2]), 0
    while side >= len(GAUSSIAN) and scales < len(WEIGHTS):
        side, scales = (side + 1) // 2, scales + 1
    return scales


def scale_names(what: str, shape: tuple[int, ...]) -> tuple[str, str]:
    """What the number of scales adds to a key and to a label; nothing to those of five.

    Args:
        what: the metric, for messages.

    Raises:
        NotApplicable: where not even one fits.
    """
    scales = scales_of(shape)
    if not scales:
        raise NotApplicable(f"{what} needs images of at least 11x11 pixels, received a side of {min(shape[:2])}.")
    if scales == len(WEIGHTS):
        return "", ""
    return f"_{scales}", f" ({scales} scale{'s' if scales > 1 else ''})"


def _over_scales(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted product over scales for each channel, (N, C), of images (N, C, H, W)."""
    product = np.ones(x.shape[:2])
    for weight in weights[:-1]:
        product *= similarities(x, y, GAUSSIAN)[1].clip(min=0) ** weight
        x, y = _halve(x), _halve(y)
    return product * similarities(x, y, GAUSSIAN)[0].clip(min=0) ** weights[-1]


def _halve(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) → (N, C, ceil(H/2), ceil(W/2))."""
    count, channels, height, width = images.shape
    padded = np.pad(images, [(0, 0), (0, 0), (height % 2, 0), (width % 2, 0)])
    quads = padded.reshape(count, channels, (height + 1) // 2, 2, (width + 1) // 2, 2)  # (N, C, H', 2, W', 2)
    return quads.mean(axis=(3, 5))
