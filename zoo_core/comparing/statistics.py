"""What a few training seeds tell: intervals, tests that are corrected for their number, the Pareto front.

The definitions, their sources and worked examples are in `docs/statistics.md`.
"""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy import stats

SIGNIFICANCE = 0.05
"""A difference is called significant where its p, corrected for all that are tested with it, is smaller."""

CONFIDENCE = 1 - SIGNIFICANCE

Values = Sequence[float]


def standard_error(values: Values) -> float | None:
    """Of the mean: the standard deviation (ddof 1) / √n. None below two values; NaN where one is not finite."""
    if len(values) < 2:
        return None
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if np.isfinite(values).all() else math.nan


def t_interval(values: Values) -> tuple[float, float] | None:
    """Student's interval of the mean, which covers 95 %: x̄ ± t(0.975, n − 1) · s / √n. None for fewer than two values,
    or where one is not finite."""
    error = standard_error(values)
    if error is None or math.isnan(error):
        return None
    mean, reach = float(np.mean(values)), float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
    return mean - reach, mean + reach


def welch(values: Values, others: Values) -> float | None:
    """The two-sided p of Welch's t-test that two means are equal, which assumes no equal variances (Welch 1947, "The
    generalization of 'Student's' problem when several different population variances are involved").

    Returns:
        p in [0, 1]; 1 for equal means without any spread; None where there is nothing to test: fewer than two values
        on a side, or one that is not finite.
    """
    if min(len(values), len(others)) < 2 or not np.isfinite([*values, *others]).all():
        return None
    if np.mean(values) == np.mean(others):
        return 1.0
    with np.errstate(all="ignore"):  # without any spread p is 0
        moments = [(float(np.mean(v)), float(np.std(v, ddof=1)), len(v)) for v in (values, others)]
        return float(stats.ttest_ind_from_stats(*moments[0], *moments[1], equal_var=False).pvalue)


def holm(p: Values) -> list[float]:
    """Adjusted p of a family of tests, in their order: below α exactly where Holm's procedure rejects at the
    family-wise level α, whatever the dependence (Holm 1979, "A simple sequentially rejective multiple test
    procedure")."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(np.arange(len(p), 0, -1) * np.asarray(p)[order])
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted.tolist()


def pairwise(groups: Sequence[Values]) -> dict[tuple[int, int], float]:
    """Holm's adjusted p of Welch's test between each two groups that can be tested, by their numbers (i < j)."""
    tested = {pair: welch(groups[pair[0]], groups[pair[1]]) for pair in combinations(range(len(groups)), 2)}
    found = {pair: p for pair, p in tested.items() if p is not None}
    return dict(zip(found, holm(list(found.values())), strict=True))


def share_interval(count: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share, which covers 95 % (Wilson 1927, "Probable inference, the law of succession, and
    statistical inference")."""
    low, high = stats.binomtest(count, of).proportion_ci(CONFIDENCE, method="wilson")
    return float(low), float(high)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Which points (cost, score), both better when lower, no other one dominates: is as good in both and better in
    one. What is not finite is not on the front."""
    return [
        all(map(math.isfinite, point)) and not any(o != point and o[0] <= point[0] and o[1] <= point[1] for o in points)
        for point in points
    ]
