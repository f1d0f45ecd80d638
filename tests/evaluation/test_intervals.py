import numpy as np
import pytest
from scipy import stats

from zoo_core.evaluation.intervals import mean_of, normal, share_of


def test_the_mean_s_interval_is_student_s():
    values = np.array([1.0, 2.0, 4.0, 7.0])
    estimate = mean_of(values)
    low, high = stats.t.interval(0.95, 3, loc=3.5, scale=stats.sem(values))
    assert estimate.value == 3.5
    assert estimate.standard_error == pytest.approx(stats.sem(values))
    assert estimate.interval == pytest.approx((low, high))


def test_one_value_has_no_error():
    assert mean_of(np.array([0.25])) == (0.25, None, None, "")


def test_the_share_s_interval_is_wilson_s():
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, 81 of 263, method 3
    estimate = share_of(np.arange(263) < 81)
    assert estimate.interval == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_a_share_of_all_is_not_certain():
    estimate = share_of(np.ones(10, bool))
    assert estimate.value == 1
    assert estimate.interval[0] == pytest.approx(0.7225, abs=5e-5)


def test_a_normal_error_of_one_gives_the_well_known_margin():
    assert normal(10.0, 1.0, "").interval == pytest.approx((10 - 1.959964, 10 + 1.959964))


def test_an_error_that_is_not_finite_gives_no_interval():
    assert normal(10.0, float("nan"), "").interval is None


def test_about_95_of_100_intervals_cover_the_truth():
    random = np.random.default_rng(0)
    draws = random.exponential(size=(2000, 200))
    covered = [low <= 1 <= high for low, high in (mean_of(values).interval for values in draws)]
    assert 0.93 < np.mean(covered) < 0.97
