"""Likelihoods of models whose likelihood is known in closed form."""

import math

import numpy as np
import pytest
from keras import ops
from scipy import stats
from toys import ToyModel, toy_sampler

from zoo_core.errors import UsageError, ZooError
from zoo_core.models.tasks import Likelihood

SHAPE = (5, 4, 3)
WIDTH = 1 / 127.5  # of a level, images in [-1, 1]


class Density(ToyModel):
    """Dequantizes with one draw of noise."""

    likelihood = Likelihood("lower bound", "discrete")

    def log_likelihood(self, nets, images, tools):
        centred = images + WIDTH * (tools.uniform(images.shape) - 0.5)
        density = self.log_density(nets["identity"](centred, training=False))
        return ops.sum(density + math.log(WIDTH), axis=(1, 2, 3))


class Uniform(Density):
    def log_density(self, pixels):
        inside = ops.abs(pixels) <= 1 + WIDTH / 2 + 1e-6  # a level's rounding to float32
        return ops.where(inside, -math.log(256 * WIDTH), -math.inf)


class Normal(Density):
    def log_density(self, pixels):
        return -0.5 * ops.square(pixels) - 0.5 * math.log(2 * math.pi)


class Column(Normal):
    def log_likelihood(self, nets, images, tools):
        return super().log_likelihood(nets, images, tools)[:, None]


class Diverged(Normal):
    def log_density(self, pixels):
        return ops.log(-1 - ops.square(pixels))


def sampler(model, tasks=("likelihood",)):
    return toy_sampler(model, SHAPE, tasks)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (9, *SHAPE), np.uint8)


@pytest.fixture(scope="module")
def normal():
    return sampler(Normal)


def test_a_uniform_model_takes_8_bits_for_each_dimension(images):
    images = np.concatenate([images, np.zeros_like(images), np.full_like(images, 255)])
    nats = sampler(Uniform).log_likelihood(images, seed=3)
    assert (nats.shape, nats.dtype) == ((27,), np.float64)
    np.testing.assert_allclose(-nats / math.log(2) / math.prod(SHAPE), 8, rtol=1e-5)


def test_dequantization_bounds_the_probability_of_the_levels(images, normal):
    levels = images / 127.5 - 1
    exact = np.log(stats.norm.cdf(levels + WIDTH / 2) - stats.norm.cdf(levels - WIDTH / 2)).sum((1, 2, 3))
    drawn = np.stack([normal.log_likelihood(images, seed) for seed in range(100)])
    error = drawn.std(axis=0) / 10
    assert (drawn.mean(axis=0) - exact < 4 * error).all()
    np.testing.assert_allclose(drawn.mean(axis=0), exact, rtol=1e-3)


@pytest.mark.parametrize("batch", [1, 4, 256])
def test_a_value_does_not_depend_on_the_batch(images, normal, batch):
    whole = normal.log_likelihood(images, seed=1)
    np.testing.assert_allclose(normal.log_likelihood(images, seed=1, batch=batch), whole, rtol=1e-5)
    np.testing.assert_allclose(normal.log_likelihood(images[6:], seed=1, first=6, batch=batch), whole[6:], rtol=1e-5)


def test_the_seed_and_the_number_of_an_image_set_its_noise(images, normal):
    twice = np.repeat(images[:1], 2, axis=0)
    one, other = normal.log_likelihood(twice, seed=1)
    assert one != other
    assert normal.log_likelihood(twice, seed=2)[0] != one


def test_the_model_says_what_the_numbers_are(images, normal):
    assert normal.likelihood == Likelihood("lower bound", "discrete")
    other = sampler(Normal, tasks=("generate",))
    assert other.likelihood is None
    with pytest.raises(UsageError, match="'toy' has no likelihood; its tasks: generate"):
        other.log_likelihood(images, seed=0)


def test_images_must_be_there_and_fit(images, normal):
    with pytest.raises(UsageError, match=r"Expected images of shape \(5, 4, 3\), received 9 of \(4, 4, 3\)"):
        normal.log_likelihood(images[:, 1:], seed=0)
    with pytest.raises(UsageError, match="received 0 of"):
        normal.log_likelihood(images[:0], seed=0)


def test_what_is_no_finite_number_for_each_image_is_told(images):
    with pytest.raises(ZooError, match=r"Expected 9 finite log-likelihoods, received shape \(9, 1\), 9 of 9 finite"):
        sampler(Column).log_likelihood(images, seed=0)
    with pytest.raises(ZooError, match=r"received shape \(9,\), 0 of 9 finite.*diverged"):
        sampler(Diverged).log_likelihood(images, seed=0)
