import math

import keras
from keras import layers, ops

from zoo_core.models import GenerativeModel, Phase
from zoo_core.models.layers import Dropout
from zoo_core.models.losses import gan_discriminator_loss, gan_generator_loss


class MLPGAN(GenerativeModel):
    """Goodfellow et al., "Generative Adversarial Nets" (2014), https://arxiv.org/abs/1406.2661."""

    inference = ("generator",)

    def networks(self, data):
        z = keras.Input((64,))
        pixels = layers.Dense(math.prod(data.image_shape), "tanh")(self._hidden(z, "relu"))
        generator = keras.Model(z, layers.Reshape(data.image_shape)(pixels))  # (N, H·W·C) -> (N, H, W, C)

        images = keras.Input(data.image_shape)
        features = self._hidden(layers.Flatten()(images), "leaky_relu")
        discriminator = keras.Model(images, layers.Dense(1)(Dropout(0.5)(features)))
        return {"generator": generator, "discriminator": discriminator}

    def phases(self):
        return (
            Phase("discriminator", self.discriminator_loss, ("discriminator",), self._adam()),
            Phase("generator", self.generator_loss, ("generator",), self._adam()),
        )

    def prepare(self, batch, tools):
        return {**batch, "z": tools.normal((batch["images"].shape[0], 64))}

    def discriminator_loss(self, nets, batch, tools):
        fakes = ops.stop_gradient(nets["generator"](batch["z"], training=True))
        real_logits = nets["discriminator"](tools.augment(batch["images"]), training=True)
        fake_logits = nets["discriminator"](tools.augment(fakes), training=True)
        return gan_discriminator_loss(real_logits, fake_logits), {"real_logits": ops.mean(real_logits)}

    def generator_loss(self, nets, batch, tools):
        fakes = nets["generator"](batch["z"], training=True)
        return gan_generator_loss(nets["discriminator"](tools.augment(fakes), training=True)), {}

    def sample(self, nets, count, labels, tools):
        return nets["generator"](tools.normal((count, 64)), training=False)

    def _hidden(self, x, activation):
        return layers.Dense(256, activation)(layers.Dense(256, activation)(x))

    def _adam(self):
        return keras.optimizers.Adam(1e-3, beta_1=0.5)
