"""Losses that several models share, each a mean over the batch."""

from keras import ops

from zoo_core.models.base import Tensor


def gan_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The discriminator's cross-entropy, −log D(x) − log(1 − D(G(z))) (Goodfellow et al. 2014, eq. 1), from logits.

    Args:
        real_logits, fake_logits: (N, 1).
    """
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def gan_generator_loss(fake_logits: Tensor) -> Tensor:
    """The non-saturating generator loss, −log D(G(z)) (Goodfellow et al. 2014, section 3), from logits (N, 1)."""
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
