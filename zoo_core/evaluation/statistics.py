"""The Gaussian that features are summarized by, and the Fréchet distance between two of them, in float64."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from zoo_core.errors import UsageError, ZooError


class Gaussian(NamedTuple):
    """Mean (D,) and covariance (D, D), divided by images − 1, of the features of so many images, float64."""

    images: int
    mean: np.ndarray
    covariance: np.ndarray


def gaussian_statistics(chunks: Iterable[np.ndarray]) -> Gaussian:
    """Mean and covariance of the rows of all chunks, which are seen once and not kept.

    Chunks are merged by the pairwise update of Chan, Golub & LeVeque 1983, "Algorithms for computing the sample
    variance", so that the result hardly depends on how the rows are cut into chunks.

    Args:
        chunks: (n, D) each.

    Raises:
        ZooError: for features that are not finite.
        UsageError: for fewer than 2 rows in all.
    """
    count, mean, scatter = 0, np.zeros(()), np.zeros(())
    for chunk in chunks:
        rows = np.asarray(chunk, np.float64)
        if not np.isfinite(rows).all():
            raise ZooError(
                "Expected finite features, received NaN or infinity.", "Are the weights file's values sound?"
            )
        if not len(rows):
            continue
        centred = rows - rows.mean(axis=0)
        difference = rows.mean(axis=0) - mean
        total = count + len(rows)
        scatter = scatter + centred.T @ centred + np.outer(difference, difference) * (count * len(rows) / total)
        mean = mean + difference * (len(rows) / total)
        count = total
    if count < 2:
        raise UsageError(f"Expected 2 images or more for a covariance, received {count}.", "Take more images.")
    return Gaussian(count, mean, scatter / (count - 1))


def frechet_distance(mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray) -> float:
    """The squared Fréchet (2-Wasserstein) distance between two Gaussians, ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 √(Σ₁Σ₂)).

    Dowson & Landau 1982, "The Fréchet distance between multivariate normal distributions"; Heusel et al. 2017,
    eq. 6. The eigenvalues of Σ₁Σ₂ are those of the symmetric √Σ₁ Σ₂ √Σ₁, whose negative ones are rounding and count
    as 0. Rounding may leave a distance of 0 at up to 1e-6 · tr(Σ₁ + Σ₂), of either sign, for singular covariances.

    Args:
        mean1, mean2: (D,).
        cov1, cov2: (D, D), symmetric and positive semi-definite, of any rank.
    """
    values, vectors = np.linalg.eigh(cov1)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    product = root @ cov2 @ root
    trace_of_root = np.sqrt(np.linalg.eigvalsh((product + product.T) / 2).clip(min=0)).sum()
    return float(np.sum((mean1 - mean2) ** 2) + np.trace(cov1) + np.trace(cov2) - 2 * trace_of_root)
