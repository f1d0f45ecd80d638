"""Losses that several models share, each a mean over the batch."""

from collections.abc import Callable

from keras import ops

from zoo_core.models.base import Tensor, Tools

TINY = 1e-12
"""Added under a square root, whose gradient at 0 is infinite: a critic that is constant somewhere would make it NaN."""


def gan_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The discriminator's cross-entropy, −log D(x) − log(1 − D(G(z))) (Goodfellow et al. 2014, eq. 1), from logits.

    Args:
        real_logits, fake_logits: (N, 1), or (N, h, w, 1) of patches.
    """
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def gan_generator_loss(fake_logits: Tensor) -> Tensor:
    """The non-saturating generator loss, −log D(G(z)) (Goodfellow et al. 2014, section 3), from logits (N, 1), or
    (N, h, w, 1) of patches."""
    return ops.mean(ops.softplus(-fake_logits))


def gan_accuracy(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The share of images that the discriminator judges rightly, in [0, 1]; near 1 for long means it has won."""
    right = ops.concatenate([real_logits > 0, fake_logits <= 0], axis=0)
    return ops.mean(ops.cast(right, "float32"))


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) ‖ N(0, 1)), summed over latents (Kingma & Welling 2013, appendix B).

    Args:
        mean, log_variance: (N, latent).

    Returns:
        (N,) nats.
    """
    return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0, axis=-1)


def wasserstein_critic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """What the critic minimises, E D(G(z)) − E D(x) (Arjovsky et al. 2017, eq. 3, with the sign turned).

    Args:
        real_scores, fake_scores: (N, 1).
    """
    return ops.mean(fake_scores) - ops.mean(real_scores)


def wasserstein_generator_loss(fake_scores: Tensor) -> Tensor:
    """What the generator minimises, −E D(G(z)) (Arjovsky et al. 2017, theorem 3), from scores (N, 1)."""
    return -ops.mean(fake_scores)


def hinge_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))) (Lim & Ye 2017; Miyato et al. 2018, eq. 16).

    Args:
        real_scores, fake_scores: (N, 1).
    """
    return ops.mean(ops.relu(1.0 - real_scores)) + ops.mean(ops.relu(1.0 + fake_scores))


def hinge_generator_loss(fake_scores: Tensor) -> Tensor:
    """−E D(G(z)) (Lim & Ye 2017; Miyato et al. 2018, eq. 17), from scores (N, 1)."""
    return -ops.mean(fake_scores)


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, tools: Tools) -> Tensor:
    """E (‖∇D(x̂)‖₂ − 1)² where x̂ is anywhere between a real and a generated image (Gulrajani et al. 2017, eq. 3).

    Args:
        critic: from images to scores (N, 1), each of its own image alone: no batch normalization.
        real, fake: (N, H, W, C).
        tools: draws x̂, and differentiates.

    Returns:
        (), to be multiplied by λ.
    """
    where = tools.uniform((real.shape[0], *(1,) * (len(real.shape) - 1)))
    norms = ops.sqrt(_squared_gradient(critic, where * real + (1.0 - where) * fake, tools) + TINY)
    return ops.mean(ops.square(norms - 1.0))


def r1_penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor, tools: Tools) -> Tensor:
    """E ‖∇D(x)‖² on real images (Mescheder et al. 2018, eq. 9).

    Args:
        discriminator: from images to logits (N, 1), each of its own image alone: no batch normalization.
        real: (N, H, W, C).
        tools: differentiates.

    Returns:
        (), to be multiplied by γ/2; and by k in a phase that runs every k-th step (lazy regularization: Karras et al.
        2020, "Analyzing and Improving the Image Quality of StyleGAN", appendix B).
    """
    return ops.mean(_squared_gradient(discriminator, real, tools))


def _squared_gradient(function: Callable[[Tensor], Tensor], images: Tensor, tools: Tools) -> Tensor:
    """(N,) ‖∇D(x)‖² for each image. The gradient of the sum over images is that of each one."""
    gradient = tools.grad(lambda x: ops.sum(function(x)))(images)
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(images.shape))))
