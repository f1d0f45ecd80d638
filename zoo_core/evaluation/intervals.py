"""How sure a number is: 95 % intervals for what images, drawn at random, give by chance."""

import math
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A number and how sure it is.

    Attributes:
        standard_error: of the value, from the draw of the images; None where it is not known.
        interval: bounds that cover the expected value with 95 % confidence; None where they are not known.
        method: how they were found, a few words for the record.
    """

    value: float
    standard_error: float | None = None
    interval: tuple[float, float] | None = None
    method: str = ""


class Rated(NamedTuple):
    """An estimate with what a table says of it.

    Attributes:
        label: for people, such as "FD (classifier)".
        n_reference: real images that it was compared with, or 0.
    """

    estimate: Estimate
    label: str
    better: Literal["lower", "higher"]
    n_reference: int


def normal(value: float, standard_error: float, method: str) -> Estimate:
    """An estimate whose error is normally distributed; without an interval where the error is not finite."""
    if not math.isfinite(standard_error):
        return Estimate(value)
    margin = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * standard_error
    return Estimate(value, standard_error, (value - margin, value + margin), method)


def mean_of(values: np.ndarray) -> Estimate:
    """The mean of independent values (N,), with Student's interval; without one for fewer than 2."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Estimate(mean)
    error = float(stats.sem(values))
    margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
    return Estimate(mean, error, (mean - margin, mean + margin), "Student's t over images")


def share_of(hits: np.ndarray) -> Estimate:
    """The share of True in (N,) independent ones, with Wilson's interval (1927)."""
    count, total = int(np.count_nonzero(hits)), len(hits)
    share = count / total
    bounds = stats.binomtest(count, total).proportion_ci(CONFIDENCE, method="wilson")
    error = math.sqrt(share * (1 - share) / total)
    return Estimate(share, error, (float(bounds.low), float(bounds.high)), "Wilson")
