import math
from typing import Annotated, Literal

import keras
from keras import layers, ops
from pydantic import Field, model_validator

from zoo_core import Options
from zoo_core.models import GenerativeModel, Phase


class LSGANOptions(Options):
    latent: int = Field(64, ge=1, description="dimensions of z, at least 1")
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (256, 256), min_length=1, description="units of each hidden layer, at least 1 each, such as [256, 256]"
    )
    activation: Literal["relu", "leaky_relu", "silu"] = Field("leaky_relu", description="after each hidden layer")
    learning_rate: float = Field(5e-4, gt=0, le=1, description="of both Adam optimizers, in (0, 1]")
    fake: float = Field(0.0, description="a, what the discriminator is to say of a generated image")
    real: float = Field(1.0, description="b, what it is to say of a real one, above a")
    aim: float | None = Field(None, description="c, what the generator wants to hear, above a; b if not given")

    @model_validator(mode="after")
    def _generator_is_pulled_towards_the_real_images(self):
        if not (self.fake < self.real and (self.aim is None or self.fake < self.aim)):
            raise ValueError(f"real and aim must be above fake, received {self.real}, {self.aim} and {self.fake}")
        return self


class LSGAN(GenerativeModel):
    """Mao et al., "Least Squares Generative Adversarial Networks" (2016), https://arxiv.org/abs/1611.04076, eq. 2."""

    inference = ("generator",)

    def networks(self, data):
        z, images = keras.Input((self.options.latent,)), keras.Input(data.image_shape)
        pixels = layers.Dense(math.prod(data.image_shape), "tanh")(self._hidden(z))
        score = layers.Dense(1)(self._hidden(layers.Flatten()(images)))
        return {
            "generator": keras.Model(z, layers.Reshape(data.image_shape)(pixels)),
            "discriminator": keras.Model(images, score),
        }

    def phases(self):
        return (
            Phase("discriminator", self.discriminator_loss, ("discriminator",), self._adam()),
            Phase("generator", self.generator_loss, ("generator",), self._adam()),
        )

    def prepare(self, batch, tools):
        return {**batch, "z": tools.normal((batch["images"].shape[0], self.options.latent))}

    def discriminator_loss(self, nets, batch, tools):
        fakes = ops.stop_gradient(nets["generator"](batch["z"], training=True))
        real_scores = nets["discriminator"](tools.augment(batch["images"]), training=True)
        fake_scores = nets["discriminator"](tools.augment(fakes), training=True)
        real, fake = ops.square(real_scores - self.options.real), ops.square(fake_scores - self.options.fake)
        return 0.5 * (ops.mean(real) + ops.mean(fake)), {}

    def generator_loss(self, nets, batch, tools):
        aim = self.options.real if self.options.aim is None else self.options.aim
        scores = nets["discriminator"](tools.augment(nets["generator"](batch["z"], training=True)), training=True)
        return 0.5 * ops.mean(ops.square(scores - aim)), {}

    def sample(self, nets, count, labels, tools):
        return nets["generator"](tools.normal((count, self.options.latent)), training=False)

    def _hidden(self, x):
        for units in self.options.hidden:
            x = layers.Dense(units, self.options.activation)(x)
        return x

    def _adam(self):
        return keras.optimizers.Adam(self.options.learning_rate, beta_1=0.5)
