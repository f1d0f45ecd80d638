import numpy as np
import pytest

from zoo_core.evaluation.density_coverage import DensityCoverage
from zoo_core.evaluation.metric import NotApplicable


def test_it_is_what_the_authors_code_measures(compared):
    """prdc 0.2: compute_prdc(real, generated, nearest_k=5)."""
    random = np.random.default_rng(11)
    real = random.normal(size=(300, 16)).astype(np.float32)
    generated = (0.85 * random.normal(size=(250, 16)) + 0.25).astype(np.float32)
    generated[:20] = real[:20]
    scores = DensityCoverage()(compared(generated, real))
    assert scores["density_vectors"].value == pytest.approx(1.432)
    assert scores["coverage_vectors"].value == pytest.approx(0.95)
    assert scores["density_vectors"].label == "Density (vectors)"
    assert (scores["coverage_vectors"].n_generated, scores["coverage_vectors"].n_reference) == (250, 300)


def test_of_one_distribution_they_are_what_the_paper_expects(compared):
    """Section 3 of the paper: 1 for density, and 1 - (N-1)...(N-k) / ((2N-1)...(2N-k)) for coverage."""
    count, k, rounds = 60, 5, 60
    random = np.random.default_rng(0)
    found = [
        [score.value for score in DensityCoverage()(compared(*random.normal(size=(2, count, 3)))).values()]
        for _ in range(rounds)
    ]
    steps = np.arange(1, k + 1)
    expected = [1, 1 - np.prod((count - steps) / (2 * count - steps))]
    error = np.std(found, axis=0, ddof=1) / np.sqrt(rounds)
    assert np.all(np.abs(np.mean(found, axis=0) - expected) < 3 * error)


def test_a_generated_outlier_costs_its_share_of_density_and_a_real_one_adds_none(compared):
    random = np.random.default_rng(1)
    real, generated = random.normal(size=(2, 100, 3))
    before = DensityCoverage()(compared(generated, real))
    moved = np.r_[generated[:50], generated[50:] + 1000]
    half = DensityCoverage()(compared(moved, real))["density_vectors"].value
    kept = DensityCoverage()(compared(generated[:50], real))["density_vectors"].value
    assert half == pytest.approx(kept / 2)
    outlier = DensityCoverage()(compared(generated, np.r_[real, [[1e3, 1e3, 1e3]]]))
    # its ball reaches back to the set and so to about half of the generated images, which is at most 1/k of each
    assert outlier["density_vectors"].value <= before["density_vectors"].value + 1 / 5


def test_too_few_reference_images_have_no_fifth_neighbour(compared):
    with pytest.raises(NotApplicable, match="at least 6 reference images, received 5"):
        DensityCoverage()(compared(np.ones((10, 2)), np.ones((5, 2))))
