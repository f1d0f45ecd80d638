"""The Gaussian that features are summarized by, and the Fréchet distance between two of them, in float64."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, eigh
from scipy.linalg.lapack import dpstrf

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
        rows = np.array(chunk, np.float64)
        if not np.isfinite(rows).all():
            raise ZooError(
                "Expected finite features, received NaN or infinity.", "Are the weights file's values sound?"
            )
        if not len(rows):
            continue
        centre = rows.mean(axis=0)
        rows -= centre
        difference = centre - mean
        total = count + len(rows)
        # NumPy sees that this product is symmetric and computes half of it
        scatter = scatter + rows.T @ rows + np.outer(difference, difference) * (count * len(rows) / total)
        mean = mean + difference * (len(rows) / total)
        count = total
    if count < 2:
        raise UsageError(f"Expected 2 images or more for a covariance, received {count}.", "Take more images.")
    return Gaussian(count, mean, scatter / (count - 1))


def frechet_distance(mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray) -> float:
    """The squared Fréchet (2-Wasserstein) distance between two Gaussians, ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 √(Σ₁Σ₂)).

    Dowson & Landau 1982, "The Fréchet distance between multivariate normal distributions"; Heusel et al. 2017,
    eq. 6. Rounding may leave a distance of 0 at up to 1e-6 · tr(Σ₁ + Σ₂), of either sign, for singular covariances.

    Args:
        mean1, mean2: (D,).
        cov1, cov2: (D, D), symmetric and positive semi-definite, of any rank.
    """
    try:
        squares = eigh(cov2, cov1, type=2, eigvals_only=True, driver="gv", check_finite=False)
    except LinAlgError:  # Σ₁ is singular
        factor = _pivoted_cholesky(cov1)
        squares = np.linalg.eigvalsh(factor.T @ cov2 @ factor)
    return float(np.sum((mean1 - mean2) ** 2) + np.trace(cov1) + np.trace(cov2) - 2 * _roots(squares).sum())


def transport_map(cov1: np.ndarray, cov2: np.ndarray) -> np.ndarray:
    """The matrix of the optimal transport between Gaussians, T = Σ₁^(−½) (Σ₁^½ Σ₂ Σ₁^½)^½ Σ₁^(−½), (D, D), symmetric.

    x ↦ μ₂ + T (x − μ₁) carries one to the other at least cost (Dowson & Landau 1982; Olkin & Pukelsheim 1982, "The
    distance between two random vectors with given dispersion matrices"). Where Σ₁ is singular it is that on its range
    and 0 elsewhere.

    Args:
        cov1, cov2: as for `frechet_distance`.
    """
    try:
        squares, vectors = eigh(cov2, cov1, type=2, driver="gvd", check_finite=False)
    except LinAlgError:  # Σ₁ is singular
        directions, scales = _range(cov1)
        root = directions * scales
        squares, rotation = np.linalg.eigh(root.T @ cov2 @ root)
        vectors = (directions / scales) @ rotation
    return (vectors * _roots(squares)) @ vectors.T


def _pivoted_cholesky(cov: np.ndarray) -> np.ndarray:
    """F (D, R) with F Fᵀ a covariance of rank R."""
    lower, pivots, rank, _ = dpstrf(cov, lower=1)
    factor = np.empty((len(cov), rank))
    factor[pivots - 1] = np.tril(lower)[:, :rank]  # LAPACK counts from 1
    return factor


def _range(cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal directions (D, R) in which a covariance of rank R varies, and the standard deviations (R,) there."""
    values, vectors = np.linalg.eigh(cov)
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    return vectors[:, kept], np.sqrt(values[kept])


def _roots(squares: np.ndarray) -> np.ndarray:
    """√ of eigenvalues of Σ₁Σ₂, none of which is negative but by rounding."""
    return np.sqrt(squares.clip(min=0))
