import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.statistics import frechet_distance, gaussian_statistics


def covariance(random, dimension, rank):
    factor = random.normal(size=(dimension, rank))
    return factor @ factor.T


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.lists(st.integers(0, 60), max_size=5))
def test_chunks_give_what_all_rows_at_once_give(seed, count, cuts):
    rows = np.random.default_rng(seed).normal(100, 1, (count, 3)).astype(np.float32)
    found = gaussian_statistics(np.split(rows, sorted(min(cut, count) for cut in cuts)))
    assert found.images == count
    np.testing.assert_allclose(found.mean, rows.astype(np.float64).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(rows.astype(np.float64).T), rtol=1e-9, atol=1e-12)


def test_a_large_common_offset_costs_no_precision():
    rows = np.random.default_rng(0).normal(size=(500, 4)) + 1e6
    expected = np.cov((rows - 1e6).T)
    np.testing.assert_allclose(gaussian_statistics(np.split(rows, 5)).covariance, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_an_error(value):
    with pytest.raises(ZooError, match="finite"):
        gaussian_statistics([np.zeros((2, 3)), np.array([[0, value, 0]])])


@pytest.mark.parametrize("chunks", [[], [np.zeros((1, 3))]])
def test_fewer_than_two_images_have_no_covariance(chunks):
    with pytest.raises(UsageError, match="2 images or more"):
        gaussian_statistics(chunks)


def test_distance_of_gaussians_with_the_same_covariance_is_that_of_their_means():
    cov = covariance(np.random.default_rng(0), 4, 4)
    assert frechet_distance(np.zeros(4), cov, np.array([3.0, 0, 4, 0]), cov) == pytest.approx(25)


def test_distance_of_independent_gaussians_is_that_of_their_deviations():
    deviations1, deviations2 = np.array([1.0, 2, 3]), np.array([2.0, 2, 1])
    found = frechet_distance(np.zeros(3), np.diag(deviations1**2), np.zeros(3), np.diag(deviations2**2))
    assert found == pytest.approx(1 + 0 + 4)


def test_distance_in_one_dimension_follows_the_textbook():
    found = frechet_distance(np.array([1.0]), np.array([[4.0]]), np.array([3.0]), np.array([[9.0]]))
    assert found == pytest.approx((1 - 3) ** 2 + (2 - 3) ** 2)


def test_distance_agrees_with_the_matrix_square_root():
    random = np.random.default_rng(0)
    mean1, mean2 = random.normal(size=(2, 20))
    cov1, cov2 = covariance(random, 20, 40), covariance(random, 20, 40)
    expected = np.sum((mean1 - mean2) ** 2) + np.trace(cov1 + cov2 - 2 * sqrtm(cov1 @ cov2).real)
    assert frechet_distance(mean1, cov1, mean2, cov2) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(mean2, cov2, mean1, cov1) == pytest.approx(expected, rel=1e-9)


def test_rank_deficient_covariances_in_disjoint_directions_share_nothing():
    cov1, cov2 = np.diag([5.0, 0, 0]), np.diag([0, 0, 7.0])
    assert frechet_distance(np.zeros(3), cov1, np.zeros(3), cov2) == pytest.approx(12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30))
def test_identical_gaussians_are_at_no_distance_whatever_their_rank(seed, dimension, rank):
    cov = covariance(np.random.default_rng(seed), dimension, rank)
    found = frechet_distance(np.ones(dimension), cov, np.ones(dimension), cov)
    assert abs(found) <= 1e-6 * 2 * np.trace(cov)


def test_fewer_images_than_dimensions_still_give_a_finite_distance():
    rows = np.random.default_rng(0).normal(size=(2, 10, 50))
    one, other = (gaussian_statistics([part]) for part in rows)
    found = frechet_distance(one.mean, one.covariance, other.mean, other.covariance)
    assert 0 < found < 1000
