"""Nearest neighbours among features, and the balls that reach to them, exact and in bounded memory."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors

from zoo_core.evaluation.extraction import FeatureArray

BLOCK = 4096
"""Rows of each side that are compared at a time, which takes some 400 MiB where they are of 2,048 dimensions."""

ROUNDING = 1e-12
"""Of |a|² + |b|² − 2ab in float64, as a share of |a|² + |b|², with room to spare for thousands of dimensions."""


class Neighbours(NamedTuple):
    """Of each query its nearest k, the nearest first: `distances` (N, k) float64 and their `numbers` (N, k)."""

    distances: np.ndarray
    numbers: np.ndarray


def nearest(queries: Iterable[np.ndarray], others: FeatureArray, k: int = 1) -> Neighbours:
    """The k nearest of the others to each query, by Euclidean distance.

    Args:
        queries: features (n, D), block after block.
        others: at least k.
    """
    found = [_nearest_of_block(block, others, k) for block in queries]
    return Neighbours(*(np.concatenate(part) for part in zip(*found, strict=True)))


def spacings(features: FeatureArray, k: int) -> np.ndarray:
    """The distance of each image to its k-th nearest other one, (N,) float64; there are more than k."""
    return nearest(features.chunks(BLOCK), features, k + 1).distances[:, k]  # the nearest of all is the image itself


def balls_around(points: FeatureArray, centres: FeatureArray, radii: np.ndarray, closed: bool) -> np.ndarray:
    """How many of the balls each point lies in, integers (N,).

    Distances within rounding of a radius are computed anew without cancellation, so that a ball that reaches exactly to
    a point contains it where it is closed, and does not where it is open.

    Args:
        radii: (M,) float64, of the balls around the M centres.
        closed: whether a ball contains its surface.
    """
    return np.concatenate([_balls_of_block(block, centres, radii, closed) for block in points.chunks(BLOCK)])


def _nearest_of_block(queries: np.ndarray, others: FeatureArray, k: int) -> Neighbours:
    best = Neighbours(np.empty((len(queries), 0)), np.empty((len(queries), 0), np.intp))
    start = 0
    for block in others.chunks(BLOCK):
        search = NearestNeighbors(n_neighbors=min(k, len(block)), algorithm="brute").fit(block)
        found = search.kneighbors(queries, return_distance=False)  # its distances cancel where neighbours are near
        exact = np.stack([_distances(queries, block[column]) for column in found.T], axis=1)
        distances = np.concatenate([best.distances, exact], axis=1)
        numbers = np.concatenate([best.numbers, start + found], axis=1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        best = Neighbours(np.take_along_axis(distances, order, axis=1), np.take_along_axis(numbers, order, axis=1))
        start += len(block)
    return best


def _balls_of_block(points: np.ndarray, centres: FeatureArray, radii: np.ndarray, closed: bool) -> np.ndarray:
    counts = np.zeros(len(points), np.intp)
    start = 0
    for block in centres.chunks(BLOCK):
        reach = radii[start : start + len(block)]
        start += len(block)
        gaps, rounding = _gaps(points, block, reach)
        inside = gaps < 0
        rows, columns = np.nonzero(np.abs(gaps) <= rounding)
        for some in range(0, len(rows), BLOCK):
            row, column = rows[some : some + BLOCK], columns[some : some + BLOCK]
            distances = _distances(points[row], block[column])
            inside[row, column] = distances <= reach[column] if closed else distances < reach[column]
        counts += np.count_nonzero(inside, axis=1)
    return counts


def _gaps(points: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, float]:
    """Squared distances less squared radii, (n, m) float64, and what of them may be rounding."""
    points, centres = points.astype(np.float64), centres.astype(np.float64)
    points_squared, centres_squared = (np.einsum("nd,nd->n", rows, rows) for rows in (points, centres))
    gaps = points @ (-2 * centres.T)
    gaps += points_squared[:, None]
    gaps += centres_squared - radii**2
    return gaps, ROUNDING * float(points_squared.max() + centres_squared.max())


def _distances(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """From each row to the other of the same number, (n,) float64."""
    return np.linalg.norm(ones.astype(np.float64) - others, axis=1)
