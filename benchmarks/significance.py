"""What Holm's correction of Welch's tests is worth with few seeds, by simulation: the table of docs/statistics.md."""

import itertools

import numpy as np
from scipy import stats

from zoo_core.comparing.statistics import SIGNIFICANCE, holm

TABLES = 4000
BETTER_BY = 6  # standard deviations of a model's seeds


def main() -> None:
    random = np.random.default_rng(0)
    print("| models | seeds | a false claim without correction | with Holm's | power |\n|---:|---:|---:|---:|---:|")
    for models, seeds in ((3, 3), (6, 3), (9, 3), (6, 5)):
        spreads = np.exp(random.normal(size=(TABLES, models, 1)))
        equal = pairwise(random.normal(size=(TABLES, models, seeds)) * spreads)
        one_is_better = random.normal(size=(TABLES, models, seeds))
        one_is_better[:, 0] -= BETTER_BY
        shares = [
            np.mean(equal.min(axis=1) < SIGNIFICANCE),
            np.mean(corrected(equal).min(axis=1) < SIGNIFICANCE),
            np.mean(corrected(pairwise(one_is_better))[:, : models - 1] < SIGNIFICANCE),
        ]
        print(f"| {models} | {seeds} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |", flush=True)


def pairwise(scores: np.ndarray) -> np.ndarray:
    """Welch's p of each two models, those with the first one first: (T, M, seeds) → (T, M (M - 1) / 2)."""
    first, second = np.array(list(itertools.combinations(range(scores.shape[1]), 2))).T
    return stats.ttest_ind(scores[:, first], scores[:, second], axis=-1, equal_var=False).pvalue


def corrected(p: np.ndarray) -> np.ndarray:
    return np.array([holm(row) for row in p])


if __name__ == "__main__":
    main()
