import numpy as np
import pytest
from scipy.spatial.distance import cdist

from zoo_core.evaluation import neighbours
from zoo_core.evaluation.neighbours import balls_around, nearest, spacings


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture(params=[7, 4096])
def block(request, monkeypatch):
    """Blocks of a few rows and a single one give the same."""
    monkeypatch.setattr(neighbours, "BLOCK", request.param)
    return request.param


def test_the_nearest_are_those_of_all_distances(vectors, random, block):
    ones, others = random.normal(size=(40, 5)), random.normal(size=(60, 5))
    queries, candidates = vectors(ones).features, vectors(others).features
    found = nearest(queries.chunks(block), candidates, 4)
    every = cdist(queries.load(), candidates.load())
    np.testing.assert_array_equal(found.numbers, np.argsort(every, axis=1)[:, :4])
    np.testing.assert_allclose(found.distances, np.sort(every, axis=1)[:, :4], rtol=1e-12)


def test_an_image_is_no_neighbour_of_its_own_but_its_copies_are(vectors, block):
    line = np.float32([[0], [1], [3], [7], [7]])
    np.testing.assert_array_equal(spacings(vectors(line).features, 1), [1, 1, 2, 0, 0])
    np.testing.assert_array_equal(spacings(vectors(line).features, 2), [3, 2, 3, 4, 4])


def test_distances_do_not_cancel_far_from_the_origin(vectors, random, block):
    others = 1000 + random.normal(size=(50, 64)).astype(np.float32)
    queries = others + np.float32(2**-13)
    found = nearest(vectors(queries).features.chunks(), vectors(others).features)
    np.testing.assert_array_equal(found.numbers[:, 0], np.arange(50))
    exact = np.linalg.norm(queries.astype(np.float64) - others, axis=1)
    np.testing.assert_allclose(found.distances[:, 0], exact, rtol=1e-12)
    same = nearest(vectors(others).features.chunks(), vectors(others).features)
    np.testing.assert_array_equal(same.distances, 0)


def test_balls_are_counted_as_by_all_distances(vectors, random, block):
    points, centres = random.normal(size=(40, 5)), random.normal(size=(60, 5))
    radii = random.uniform(1, 3, 60)
    points, centres = vectors(points).features, vectors(centres).features
    expected = (cdist(points.load(), centres.load()) <= radii).sum(axis=1)
    np.testing.assert_array_equal(balls_around(points, centres, radii, closed=True), expected)
    np.testing.assert_array_equal(balls_around(points, centres, radii, closed=False), expected)


def test_a_ball_that_just_reaches_a_point_has_it_only_where_it_is_closed(vectors, random, block):
    """The radii are distances to points of the set itself, each of which lies on a surface by construction."""
    features = vectors(random.normal(size=(50, 64)) + 100).features
    radii = spacings(features, 3)
    closed = balls_around(features, features, radii, closed=True)
    opened = balls_around(features, features, radii, closed=False)
    assert closed.sum() == 50 * 4  # itself and three neighbours
    assert opened.sum() == 50 * 3
