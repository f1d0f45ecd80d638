"""Closed forms."""

import math

import numpy as np
import pytest
from keras import ops

from zoo_core.models import Tensor, losses


def tensors(*arrays: np.ndarray) -> tuple[Tensor, ...]:
    return tuple(map(ops.convert_to_tensor, arrays))


def value(loss: Tensor) -> float:
    return float(ops.convert_to_numpy(loss))


def test_a_discriminator_that_does_not_know_loses_two_log_two():
    logits = np.zeros((8, 1), "float32")
    assert value(losses.gan_discriminator_loss(logits, logits)) == pytest.approx(2 * math.log(2))
    assert value(losses.gan_generator_loss(logits)) == pytest.approx(math.log(2))


def test_losses_are_cross_entropies_of_the_probabilities():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 16, 1))
    d_real, d_fake = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    expected = -np.log(d_real).mean() - np.log(1 - d_fake).mean()
    assert value(losses.gan_discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-6)
    assert value(losses.gan_generator_loss(fake)) == pytest.approx(-np.log(d_fake).mean(), rel=1e-6)


def test_extreme_logits_stay_finite():
    logits = np.array([[1e4], [-1e4]], "float32")
    assert np.isfinite(value(losses.gan_discriminator_loss(logits, -logits)))


def test_accuracy_counts_both_sides():
    real, fake = np.array([[1.0], [-1.0]]), np.array([[-1.0], [-2.0]])
    assert value(losses.gan_accuracy(real, fake)) == pytest.approx(0.75)


def test_kl_of_the_prior_is_zero_and_of_a_shifted_gaussian_half_its_square():
    zeros = np.zeros((1, 4), "float32")
    assert value(losses.gaussian_kl(*tensors(zeros, zeros))[0]) == 0
    assert value(losses.gaussian_kl(*tensors(zeros + 2, zeros))[0]) == pytest.approx(4 * 0.5 * 2**2)


def test_kl_agrees_with_monte_carlo():
    rng = np.random.default_rng(0)
    mean, log_variance = np.array([[0.7]]), np.array([[-0.8]])
    z = mean + np.exp(0.5 * log_variance) * rng.normal(size=(200_000, 1))
    log_q = -0.5 * ((z - mean) ** 2 / np.exp(log_variance) + log_variance)
    estimate = (log_q + 0.5 * z**2).mean()
    assert value(losses.gaussian_kl(*tensors(mean, log_variance))[0]) == pytest.approx(estimate, abs=0.01)


def test_wasserstein_losses_are_differences_of_means():
    real, fake = np.array([[3.0], [1.0]]), np.array([[0.5], [-0.5]])
    assert value(losses.wasserstein_critic_loss(real, fake)) == -2
    assert value(losses.wasserstein_generator_loss(fake + 1)) == -1


def test_hinge_losses_stop_at_the_margins():
    real, fake = np.array([[3.0], [0.5]]), np.array([[-2.0], [0.5]])
    assert value(losses.hinge_discriminator_loss(real, fake)) == pytest.approx(0.5 / 2 + 1.5 / 2)
    assert value(losses.hinge_generator_loss(fake)) == pytest.approx(0.75)


REAL, FAKE = np.random.default_rng(0).normal(size=(2, 5, 3, 3, 2)).astype("float32")
WEIGHT = np.random.default_rng(1).normal(size=(3, 3, 2)).astype("float32")


def linear(weight: Tensor):
    """A critic whose gradient is `weight` everywhere."""
    return lambda images: ops.sum(images * weight, axis=(1, 2, 3))[:, None]


@pytest.mark.parametrize("norm", [0.5, 1.0, 3.0])
def test_penalties_of_a_linear_critic_are_those_of_its_norm(known_tools: type, norm: float):
    real, fake, weight = tensors(REAL, FAKE, WEIGHT * np.float32(norm / np.linalg.norm(WEIGHT)))
    penalty = losses.gradient_penalty(linear(weight), real, fake, known_tools())
    assert value(penalty) == pytest.approx((norm - 1) ** 2, abs=1e-5)
    assert value(losses.r1_penalty(linear(weight), real, known_tools())) == pytest.approx(norm**2, rel=1e-5)


def test_the_gradient_penalty_looks_between_real_and_generated_images(known_tools: type):
    """The gradient of ‖x‖²/2 is x itself."""
    real, fake = tensors(REAL, FAKE)
    share = np.array([0.0, 0.25, 0.5, 0.75, 0.9], "float32")

    def critic(images: Tensor) -> Tensor:
        return ops.sum(images**2, axis=(1, 2, 3))[:, None] / 2

    between = share[:, None, None, None] * REAL + (1 - share[:, None, None, None]) * FAKE
    expected = np.mean((np.linalg.norm(between.reshape(5, -1), axis=1) - 1) ** 2)
    assert value(losses.gradient_penalty(critic, real, fake, known_tools(share))) == pytest.approx(expected, rel=1e-5)
    expected = np.mean(np.sum(REAL**2, axis=(1, 2, 3)))
    assert value(losses.r1_penalty(critic, real, known_tools())) == pytest.approx(expected, rel=1e-5)


def test_penalties_train_the_critic(known_tools: type):
    real, fake, weight = tensors(REAL, FAKE, WEIGHT)
    norm, grad = np.linalg.norm(WEIGHT), known_tools().grad
    gradient = grad(lambda w: losses.gradient_penalty(linear(w), real, fake, known_tools()))(weight)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), 2 * (norm - 1) * WEIGHT / norm, rtol=1e-4, atol=1e-5)
    gradient = grad(lambda w: losses.r1_penalty(linear(w), real, known_tools()))(weight)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), 2 * WEIGHT, rtol=1e-4, atol=1e-5)


def test_a_constant_critic_has_a_finite_gradient(known_tools: type):
    real, fake, weight = tensors(REAL, FAKE, np.zeros_like(WEIGHT))

    def loss(weight: Tensor) -> Tensor:
        return losses.gradient_penalty(linear(weight), real, fake, known_tools())

    assert value(loss(weight)) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(ops.convert_to_numpy(known_tools().grad(loss)(weight))).all()
