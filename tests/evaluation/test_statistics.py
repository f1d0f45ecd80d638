import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.statistics import frechet_distance, gaussian_statistics, transport_map


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


def test_distance_agrees_with_the_eigenvalues_of_the_product():
    random = np.random.default_rng(1)
    one, other = (gaussian_statistics([np.maximum(random.normal(size=(900, 300)), 0)]) for _ in range(2))
    eigenvalues = np.linalg.eigvals(one.covariance @ other.covariance)
    trace = np.trace(one.covariance + other.covariance) - 2 * np.sqrt(eigenvalues.astype(complex)).real.sum()
    found = frechet_distance(one.mean, one.covariance, other.mean, other.covariance)
    assert found == pytest.approx(np.sum((one.mean - other.mean) ** 2) + trace, rel=1e-9)


def test_images_all_alike_are_as_far_as_the_others_spread():
    cov = covariance(np.random.default_rng(0), 5, 5)
    for pair in [(np.zeros((5, 5)), cov), (cov, np.zeros((5, 5)))]:
        assert frechet_distance(np.zeros(5), pair[0], np.zeros(5), pair[1]) == pytest.approx(np.trace(cov))


def test_one_singular_covariance_is_projected_onto():
    # In the plane where the first one varies, diag(4, 9) against diag(1, 16); beyond it only the second one varies.
    cov1, cov2 = np.diag([4.0, 9, 0]), np.diag([1.0, 16, 25])
    assert frechet_distance(np.zeros(3), cov1, np.zeros(3), cov2) == pytest.approx(1 + 1 + 25)
    assert frechet_distance(np.zeros(3), cov2, np.zeros(3), cov1) == pytest.approx(1 + 1 + 25)


@pytest.mark.parametrize("rank", [40, 10])
def test_the_transport_map_carries_one_covariance_to_the_other(rank):
    random = np.random.default_rng(0)
    cov1, cov2 = covariance(random, 20, rank), covariance(random, 20, 40)
    found = transport_map(cov1, cov2)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    # What it carries lies where the first one varies; there it has the covariance that is nearest to the second.
    trace_of_root = (np.trace(cov1) + np.trace(cov2) - frechet_distance(0, cov1, 0, cov2)) / 2
    assert np.sum(found * cov1) == pytest.approx(trace_of_root, rel=1e-9)
    if rank >= 20:
        np.testing.assert_allclose(found @ cov1 @ found, cov2, rtol=1e-8, atol=1e-8)


def test_images_all_alike_are_carried_nowhere():
    np.testing.assert_array_equal(transport_map(np.zeros((3, 3)), np.identity(3)), np.zeros((3, 3)))


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


def test_a_set_of_fewer_images_than_dimensions_is_at_no_distance_from_itself():
    found = gaussian_statistics([np.random.default_rng(0).normal(size=(100, 300))])
    distance = frechet_distance(found.mean, found.covariance, found.mean, found.covariance)
    assert abs(distance) <= 1e-6 * 2 * np.trace(found.covariance)


def test_chunks_are_left_as_they_were():
    rows = np.random.default_rng(0).normal(1, 1, (10, 3))
    before = rows.copy()
    gaussian_statistics([rows])
    np.testing.assert_array_equal(rows, before)
