import math

import keras
from keras import layers, ops

from zoo_core.models import GenerativeModel, Phase, standardization
from zoo_core.models.blocks import grow, halvings, shrink
from zoo_core.models.losses import gaussian_kl
from zoo_core.models.tasks import Likelihood

LEVEL = 1 / 127.5


class V1VAE(GenerativeModel):
    """Kingma & Welling, "Auto-Encoding Variational Bayes" (2013), https://arxiv.org/abs/1312.6114."""

    inference = ("encoder", "decoder")
    likelihood = Likelihood("lower bound", "discrete")

    def networks(self, data):
        shape, width, latent = data.image_shape, self.options.width, self.options.latent
        stages = halvings(shape, "v1-vae")
        images = keras.Input(shape)
        features = shrink(standardization(data)(images), width, stages, slope=0.0, normalize=False)
        encoder = keras.Model(images, [layers.Dense(latent)(features), layers.Dense(latent)(features)])
        z = keras.Input((latent,))
        pixels = standardization(data, inverse=True)(grow(z, shape, width, stages, normalize=False))
        return {"encoder": encoder, "decoder": keras.Model(z, ops.clip(pixels, -1, 1))}

    def phases(self):
        return (Phase("vae", self.loss, ("encoder", "decoder"), keras.optimizers.Adam(1e-3)),)

    def loss(self, nets, batch, tools):
        log_density, kl = self._terms(nets, batch["images"], tools, training=True)
        return ops.mean(kl - log_density), {"kl": ops.mean(kl)}

    def sample(self, nets, count, labels, tools):
        z = tools.normal((count, self.options.latent))

        def diffuse(i, z):
            return 0.9 * z + 0.1 * tools.normal(z.shape, index=i)

        return self.decode(nets, ops.fori_loop(0, 2, diffuse, z))

    def encode(self, nets, images):
        return nets["encoder"](images, training=False)[0]

    def decode(self, nets, latents):
        return nets["decoder"](latents, training=False)

    def log_likelihood(self, nets, images, tools):
        log_density, kl = self._terms(nets, images + LEVEL * (tools.uniform(images.shape) - 0.5), tools, training=False)
        return log_density + math.prod(images.shape[1:]) * math.log(LEVEL) - kl

    def _terms(self, nets, images, tools, training):
        sigma = self.options.sigma or 0.2
        mean, log_variance = nets["encoder"](images, training=training)
        z = mean + ops.exp(0.5 * log_variance) * tools.normal(mean.shape)
        error = (images - nets["decoder"](z, training=training)) / sigma
        density = -0.5 * ops.square(error) - math.log(sigma * math.sqrt(2.0 * math.pi))
        return ops.sum(density, axis=(1, 2, 3)), gaussian_kl(mean, log_variance)
