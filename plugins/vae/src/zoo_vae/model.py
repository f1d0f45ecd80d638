import math
from typing import ClassVar

import keras
from keras import layers, ops

from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.blocks import grow, halvings, shrink
from zoo_core.models.losses import gaussian_kl
from zoo_core.models.tasks import Likelihood
from zoo_core.specs import DataSpec

LEVEL = 1 / 127.5
"""The width of one of 256 levels, images in [-1, 1]."""


class VAE(GenerativeModel):
    """Variational autoencoder with convolutional encoder and decoder.

    Kingma & Welling, "Auto-Encoding Variational Bayes" (2013), https://arxiv.org/abs/1312.6114. Deviations are listed
    in the README.
    """

    inference = ("encoder", "decoder")
    _plain: ClassVar = {"normalize": False, "initializer": keras.initializers.HeNormal}

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        shape, width, latent = data.image_shape, self.options.width, self.options.latent
        stages = halvings(shape, "vae")

        images = keras.Input(shape)
        features = layers.Dense(256, activation="relu")(shrink(images, width, stages, slope=0.0, **self._plain))
        posterior = [layers.Dense(latent, name="mean")(features), layers.Dense(latent, name="log_variance")(features)]
        encoder = keras.Model(images, posterior, name="encoder")

        z = keras.Input((latent,))
        features = layers.Dense(256, activation="relu")(z)
        decoder = keras.Model(z, grow(features, shape, width, stages, **self._plain), name="decoder")
        return {"encoder": encoder, "decoder": decoder}

    def phases(self) -> tuple[Phase, ...]:
        adam = keras.optimizers.Adam(self.options.learning_rate)
        return (Phase("vae", self.loss, ("encoder", "decoder"), adam),)

    def loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        """−ELBO in nats an image, by one sample of the reparameterised posterior (eq. 10)."""
        likelihood, kl = self._terms(nets, batch["images"], tools, training=True)
        reconstruction, kl = -ops.mean(likelihood), ops.mean(kl)
        return reconstruction + self.options.beta * kl, {"reconstruction": reconstruction, "kl": kl}

    def sample(self, nets: Networks, count: int, labels: Tensor | None, tools: Tools) -> Tensor:
        return self.decode(nets, tools.normal((count, self.options.latent)))

    def encode(self, nets: Networks, images: Tensor) -> Tensor:
        """The posterior's mean, (N, latent)."""
        return nets["encoder"](images, training=False)[0]

    def decode(self, nets: Networks, latents: Tensor) -> Tensor:
        """The likelihood's mean, (N, H, W, C) in [-1, 1]."""
        # tanh(a / 2) = 2 sigmoid(a) - 1, the mean of the Bernoulli likelihood on [-1, 1]
        return ops.tanh(0.5 * nets["decoder"](latents, training=False))

    @property
    def likelihood(self) -> Likelihood:
        """Intensities taken for probabilities give the ELBO of binarized images, densities one of 256 levels."""
        return Likelihood("lower bound", "binarized" if self.options.likelihood == "bernoulli" else "discrete")

    def log_likelihood(self, nets: Networks, images: Tensor, tools: Tools) -> Tensor:
        """The ELBO by one sample of the posterior (eq. 10), (N,) nats, whatever `beta` the training had.

        log p(x|z) of a Bernoulli variable is linear in x: with intensities for x it is its mean over binarized images.
        A Gaussian density becomes a bound for the level that a pixel has by averaging its log over the level's width w
        (Theis et al. 2016, section 3.1), which has a closed form: log w + log N(x; μ, σ²) − w² / 24σ².
        """
        likelihood, kl = self._terms(nets, images, tools, training=False)
        if self.options.likelihood == "gaussian":
            likelihood += math.prod(images.shape[1:]) * (math.log(LEVEL) - (LEVEL / self.options.sigma) ** 2 / 24)
        return likelihood - kl

    def _terms(self, nets: Networks, images: Tensor, tools: Tools, training: bool) -> tuple[Tensor, Tensor]:
        """log p(x|z) for one z of the posterior, and the posterior's divergence from the prior, both (N,) nats."""
        mean, log_variance = nets["encoder"](images, training=training)
        z = mean + ops.exp(0.5 * log_variance) * tools.normal(mean.shape)
        return self._log_density(images, nets["decoder"](z, training=training)), gaussian_kl(mean, log_variance)

    def _log_density(self, images: Tensor, outputs: Tensor) -> Tensor:
        """log p(x|z) in nats, (N,), summed over pixels. Both arguments (N, H, W, C), the outputs unbounded."""
        if self.options.likelihood == "bernoulli":
            targets = 0.5 * (images + 1.0)  # intensities in [0, 1] as probabilities
            pixels = targets * outputs - ops.softplus(outputs)
        else:
            error = (images - ops.tanh(0.5 * outputs)) / self.options.sigma
            pixels = -0.5 * ops.square(error) - math.log(self.options.sigma * math.sqrt(2.0 * math.pi))
        return ops.sum(pixels, axis=(1, 2, 3))
