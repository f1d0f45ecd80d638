"""The structural similarity (SSIM) of reconstructions with their originals."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import correlate1d

from zoo_core.evaluation.intervals import Rated, mean_of
from zoo_core.evaluation.metric import Evaluand, Metric, Need, NotApplicable, score
from zoo_core.evaluation.record import Score

BLOCK = 2**14
"""Values of each side that are in float64 at a time: few enough for the processor's cache."""

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

_BELL = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
GAUSSIAN = _BELL / _BELL.sum()
UNIFORM = np.full(7, 1 / 7)

PairFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


class SSIM(Metric):
    """Wang et al. 2004, "Image quality assessment", eq. 13, mean over pixels, channels and pairs, in [-1, 1].

    An 11×11 Gaussian window with σ 1.5, data range 255, K₁ 0.01, K₂ 0.03, population covariance, and only windows that
    lie within the image. An image too small for that window is measured with a uniform 7×7 one, which gives other
    numbers and so has the key `ssim_uniform7`. Each pair's value is scikit-image's to 1e-12.
    """

    name = "ssim"
    needs: Need = "reconstructions"
    default = True

    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        side = min(evaluand.reference.images.shape[:2])
        if side < len(UNIFORM):
            raise NotApplicable(f"SSIM needs images of at least 7x7 pixels, received a side of {side}.")
        values = over_pairs("SSIM", evaluand, ssim_of)
        uniform = side < len(GAUSSIAN)
        rated = Rated(mean_of(values), "SSIM (uniform 7x7)" if uniform else "SSIM", "higher", len(values))
        return {"ssim_uniform7" if uniform else "ssim": score(rated, len(values))}


def over_pairs(what: str, evaluand: Evaluand, measure: PairFunction) -> np.ndarray:
    """What `measure` says of each pair of original and reconstruction, (P,).

    Args:
        what: the metric, for messages.
        measure: from two times uint8 (n, H, W, C) to (n,).

    Raises:
        NotApplicable: where there are no pairs.
    """
    if evaluand.pairs is None:
        raise NotApplicable(
            f"{what} needs reconstructions of known originals, which a folder of images has not.",
            "They come from a run of a model that can reconstruct or translate.",
        )
    originals, others = evaluand.pairs
    return np.concatenate([measure(*chunks) for chunks in zip(originals.chunks(), others.chunks(), strict=True)])


def ssim_of(originals: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The SSIM of each pair, (N,) float64, of uint8 images (N, H, W, C) with sides of at least 7 pixels."""
    window = GAUSSIAN if min(originals.shape[1:3]) >= len(GAUSSIAN) else UNIFORM
    return in_blocks(originals, others, lambda x, y: similarities(x, y, window)[0].mean(axis=1))


def in_blocks(originals: np.ndarray, others: np.ndarray, measure: PairFunction) -> np.ndarray:
    """What `measure` says of each pair of uint8 images (N, H, W, C), which it gets as float64 (n, C, H, W)."""
    size = max(1, BLOCK // int(np.prod(originals.shape[1:])))
    blocks = (slice(start, start + size) for start in range(0, len(originals), size))
    return np.concatenate([measure(_channels_first(originals[some]), _channels_first(others[some])) for some in blocks])


def similarities(x: np.ndarray, y: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The SSIM, and its contrast and structure terms alone, of each channel, (N, C) both.

    Wang et al. 2004, eq. 13, is luminance (eq. 6) times contrast and structure (eq. 9 and 10, merged by C₃ = C₂ / 2).

    Args:
        x, y: (N, C, H, W) float64 in [0, 255].
        window: (K,), of the separable window, sum 1.
    """
    mean_x, mean_y, squares, product = _smooth(np.stack([x, y, x * x + y * y, x * y]), window)
    means = mean_x * mean_y
    square_means = mean_x**2 + mean_y**2
    contrast_structure = (2 * (product - means) + C2) / (squares - square_means + C2)
    luminance = (2 * means + C1) / (square_means + C1)
    return (luminance * contrast_structure).mean(axis=(2, 3)), contrast_structure.mean(axis=(2, 3))


def _smooth(images: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Windows that lie within (..., H, W), → (..., H - K + 1, W - K + 1)."""
    edge = len(window) // 2
    rows = correlate1d(images, window, axis=-1)[..., edge:-edge]
    return correlate1d(rows, window, axis=-2)[..., edge:-edge, :]


def _channels_first(images: np.ndarray) -> np.ndarray:
    return np.moveaxis(images, 3, 1).astype(np.float64, order="C")
