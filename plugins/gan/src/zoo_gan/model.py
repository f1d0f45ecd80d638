import math
from functools import reduce

import keras
from keras import layers, ops

from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.layers import Dropout
from zoo_core.models.losses import gan_accuracy, gan_discriminator_loss, gan_generator_loss
from zoo_core.specs import DataSpec


class GAN(GenerativeModel):
    """The original GAN, of fully connected layers.

    Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville & Bengio, "Generative Adversarial Nets" (2014),
    https://arxiv.org/abs/1406.2661. What the paper leaves open is as in the authors' code; see the README.
    """

    inference = ("generator",)

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        shape, width = data.image_shape, self.options.width

        z = keras.Input((self.options.latent,))
        x = z
        for _ in range(2):
            x = layers.Dense(width, "relu", kernel_initializer=uniform(0.05))(x)
        x = layers.Dense(math.prod(shape), "sigmoid", kernel_initializer=uniform(0.05))(x)
        images = layers.Rescaling(2.0, -1.0)(layers.Reshape(shape)(x))  # to [-1, 1]
        generator = keras.Model(z, images, name="generator")

        images = keras.Input(shape)
        x = layers.Flatten()(layers.Rescaling(0.5, 0.5)(images))  # to [0, 1], so that a dropped pixel is black
        x = Dropout(self.options.input_dropout)(x)
        for _ in range(2):
            x = Dropout(self.options.dropout)(maxout(x, max(1, width // self.options.pieces), self.options.pieces))
        logits = layers.Dense(1, kernel_initializer=uniform(0.005))(x)
        discriminator = keras.Model(images, logits, name="discriminator")
        return {"generator": generator, "discriminator": discriminator}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("discriminator", self.discriminator_loss, ("discriminator",), self._descent()),
            Phase("generator", self.generator_loss, ("generator",), self._descent()),
        )

    def prepare(self, batch: Batch, tools: Tools) -> Batch:
        count = batch["images"].shape[0]
        return {**batch, "z": tools.normal((count, self.options.latent))}

    def discriminator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 1, halved, as in the authors' code."""
        fakes = ops.stop_gradient(nets["generator"](batch["z"], training=True))
        real_logits = nets["discriminator"](tools.augment(batch["images"]), training=True)
        fake_logits = nets["discriminator"](tools.augment(fakes), training=True)
        accuracy = gan_accuracy(real_logits, fake_logits)
        return 0.5 * gan_discriminator_loss(real_logits, fake_logits), {"accuracy": accuracy}

    def generator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        fakes = nets["generator"](batch["z"], training=True)
        fake_logits = nets["discriminator"](tools.augment(fakes), training=True)
        return gan_generator_loss(fake_logits), {}

    def sample(self, nets: Networks, count: int, labels: Tensor | None, tools: Tools) -> Tensor:
        return nets["generator"](tools.normal((count, self.options.latent)), training=False)

    def _descent(self) -> keras.optimizers.Optimizer:
        return keras.optimizers.SGD(self.options.learning_rate, momentum=self.options.momentum)


def maxout(x: Tensor, units: int, pieces: int) -> Tensor:
    """Each unit is the largest of several linear functions (Goodfellow et al., "Maxout Networks", 2013).

    Args:
        x: (N, D).

    Returns:
        (N, units).
    """
    x = layers.Dense(units * pieces, kernel_initializer=uniform(0.005))(x)
    # Not ops.max: in a step that JAX compiled without XLA's optimizations, its gradient came out as NaN.
    return reduce(ops.maximum, ops.unstack(layers.Reshape((units, pieces))(x), axis=2))


def uniform(limit: float) -> keras.initializers.Initializer:
    """U(-limit, limit). A new object each time: one object, one draw."""
    return keras.initializers.RandomUniform(-limit, limit)
