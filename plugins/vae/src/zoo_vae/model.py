import math
from typing import ClassVar

import keras
from keras import layers, ops

from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.blocks import grow, halvings, shrink
from zoo_core.models.losses import gaussian_kl
from zoo_core.specs import DataSpec


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
        images = batch["images"]
        mean, log_variance = nets["encoder"](images, training=True)
        z = mean + ops.exp(0.5 * log_variance) * tools.normal(mean.shape)
        reconstruction = -ops.mean(self._log_likelihood(images, nets["decoder"](z, training=True)))
        kl = ops.mean(gaussian_kl(mean, log_variance))
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

    def _log_likelihood(self, images: Tensor, outputs: Tensor) -> Tensor:
        """log p(x|z) in nats, (N,), summed over pixels. Both arguments (N, H, W, C), the outputs unbounded."""
        if self.options.likelihood == "bernoulli":
            targets = 0.5 * (images + 1.0)  # intensities in [0, 1] as probabilities
            pixels = targets * outputs - ops.softplus(outputs)
        else:
            error = (images - ops.tanh(0.5 * outputs)) / self.options.sigma
            pixels = -0.5 * ops.square(error) - math.log(self.options.sigma * math.sqrt(2.0 * math.pi))
        return ops.sum(pixels, axis=(1, 2, 3))
