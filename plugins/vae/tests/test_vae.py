"""The evidence lower bound in closed form, and that reconstructions get better."""

import math

import numpy as np
import pytest
from keras import ops
from scipy import stats

import zoo_core
from zoo_core.data import Dataset, Feeder, load_dataset
from zoo_core.models.tasks import Likelihood
from zoo_core.testing import build_model, loss_of
from zoo_core.training.backends import backend
from zoo_core.training.build import Built
from zoo_core.training.engine import Engine
from zoo_core.training.options import TrainingOptions
from zoo_core.training.tools import TrainingTools


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits")


def make(data: Dataset, **options) -> Built:
    return build_model("vae", data.spec, **{"width": 4, "latent": 3} | options)


def tools() -> TrainingTools:
    return TrainingTools(backend(), backend().key(0), ops.zeros((), "int32"))


def parts(built: Built, images: np.ndarray) -> tuple[np.ndarray, ...]:
    """Posterior mean and log-variance, and the decoder's output for the latents that the loss draws, in NumPy."""
    mean, log_variance = map(ops.convert_to_numpy, built.networks["encoder"](images, training=True))
    z = mean + np.exp(0.5 * log_variance) * ops.convert_to_numpy(tools().normal(mean.shape))
    return mean, log_variance, ops.convert_to_numpy(built.networks["decoder"](z, training=True)).astype("float64")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (5, 16, 16, 1)).astype("float32")


@pytest.mark.parametrize("beta", [1.0, 0.25])
def test_the_bernoulli_elbo(digits: Dataset, images: np.ndarray, beta: float):
    built = make(digits, beta=beta)
    loss, logs = loss_of(built.model.loss, built.networks, {"images": images})
    mean, log_variance, logits = parts(built, images)
    x, p = (images.astype("float64") + 1) / 2, 1 / (1 + np.exp(-logits))
    reconstruction = -(x * np.log(p) + (1 - x) * np.log1p(-p)).sum((1, 2, 3)).mean()
    kl = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(1).mean()
    assert logs["reconstruction"] == pytest.approx(reconstruction, rel=1e-5)
    assert logs["kl"] == pytest.approx(kl, rel=1e-4)
    assert loss == pytest.approx(reconstruction + beta * kl, rel=1e-5)


def test_the_gaussian_likelihood_is_a_normal_density(digits: Dataset, images: np.ndarray):
    built = make(digits, likelihood="gaussian", sigma=0.3)
    _, logs = loss_of(built.model.loss, built.networks, {"images": images})
    _, _, outputs = parts(built, images)
    density = stats.norm(np.tanh(0.5 * outputs), 0.3).logpdf(images.astype("float64"))
    assert logs["reconstruction"] == pytest.approx(-density.sum((1, 2, 3)).mean(), rel=1e-5)


def bound(built: Built, images: np.ndarray) -> np.ndarray:
    nats = built.model.log_likelihood(built.networks, ops.convert_to_tensor(images), tools())
    return ops.convert_to_numpy(nats).astype("float64")


def test_the_bound_of_binarized_images_is_the_loss(digits: Dataset, images: np.ndarray):
    built = make(digits)
    assert built.model.likelihood == Likelihood("lower bound", "binarized")
    loss, _ = loss_of(built.model.loss, built.networks, {"images": images})
    assert -bound(built, images).mean() == pytest.approx(loss, rel=1e-6)
    other = make(digits, beta=0.25)  # with the same seed the same weights
    np.testing.assert_array_equal(bound(other, images), bound(built, images))


def test_intensities_give_the_mean_over_binarized_images(digits: Dataset):
    built, two = make(digits), np.full((1, 16, 16, 1), -1, "float32")
    two[0, 3, 5:7, 0] = -0.5, 0.8  # two gray pixels, and so four binarizations
    outputs = np.random.default_rng(0).normal(size=two.shape).astype("float32")

    def density(images: np.ndarray) -> float:
        return float(ops.convert_to_numpy(built.model._log_density(*map(ops.convert_to_tensor, (images, outputs))))[0])

    expected = 0.0
    for first, second in np.ndindex(2, 2):
        binary = two.copy()
        binary[0, 3, 5:7, 0] = 2 * first - 1, 2 * second - 1
        probability = (0.25, 0.75)[first == 0] * (0.9, 0.1)[second == 0]
        expected += probability * density(binary)
    assert density(two) == pytest.approx(expected, rel=1e-5)


def test_the_bound_of_256_levels_is_the_loss_and_a_constant(digits: Dataset, images: np.ndarray):
    sigma = 0.1
    built = make(digits, likelihood="gaussian", sigma=sigma)
    assert built.model.likelihood == Likelihood("lower bound", "discrete")
    loss, _ = loss_of(built.model.loss, built.networks, {"images": images})
    constant = 16 * 16 * (math.log(127.5) + 1 / (24 * (127.5 * sigma) ** 2))
    assert -bound(built, images).mean() == pytest.approx(loss + constant, rel=1e-6)


@pytest.mark.parametrize("sigma", [0.003, 0.03, 0.3])
def test_it_bounds_the_probability_that_a_decoder_without_a_choice_gives(
    digits: Dataset, images: np.ndarray, sigma: float
):
    """Where the decoder ignores z and the posterior is the prior, log P of the levels is known."""
    built = make(digits, likelihood="gaussian", sigma=sigma)
    for network in built.networks.values():
        network.set_weights([np.zeros(weight.shape) for weight in network.weights])
    levels = np.round(127.5 * 0.02 * images.astype("float64") + 127.5) / 127.5 - 1  # near the decoder's mean, 0
    exact = np.log(stats.norm.cdf((levels + 1 / 255) / sigma) - stats.norm.cdf((levels - 1 / 255) / sigma))
    exact = exact.sum((1, 2, 3))
    found = bound(built, levels.astype("float32"))
    assert (found < exact + 1e-4 * abs(exact)).all()
    np.testing.assert_allclose(found, exact, rtol=0.5 if sigma < 0.01 else 1e-3)


def test_decoded_images_are_the_mean_of_the_likelihood(digits: Dataset):
    built = make(digits)
    z = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    logits = ops.convert_to_numpy(built.networks["decoder"](z, training=False)).astype("float64")
    expected = 2 / (1 + np.exp(-logits)) - 1
    np.testing.assert_allclose(ops.convert_to_numpy(built.model.decode(built.networks, z)), expected, atol=1e-6)


def test_an_encoding_is_the_posterior_s_mean(digits: Dataset, images: np.ndarray):
    built = make(digits)
    latents = ops.convert_to_numpy(built.model.encode(built.networks, images))
    assert latents.shape == (5, 3)
    np.testing.assert_array_equal(latents, ops.convert_to_numpy(built.networks["encoder"](images, training=False)[0]))


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_training_makes_reconstructions_better(digits: Dataset, likelihood: str):
    built = make(digits, likelihood=likelihood, width=8, latent=8)
    engine = Engine(built.model, built.networks, seed=0, options=TrainingOptions(ema=0.0))
    feeder = Feeder(digits, "train", 64, 0)
    held_out = digits.images("test")[:100].astype(float)

    def mean_squared_error() -> float:
        spec = zoo_core.registry().model("vae").spec
        sampler = zoo_core.Sampler(built, spec, digits.spec, engine.average([]))
        return float(((sampler.reconstruct(held_out.astype("uint8")) - held_out) ** 2).mean())

    before = mean_squared_error()
    losses = [float(ops.convert_to_numpy(engine.step(step, feeder.batch(step))["vae/loss"])) for step in range(150)]
    assert all(math.isfinite(loss) for loss in losses)
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    assert mean_squared_error() < 0.4 * before
