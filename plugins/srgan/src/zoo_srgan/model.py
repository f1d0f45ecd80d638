import keras
from keras import layers, ops

from zoo_core.errors import UnsupportedShape
from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.blocks import SMALLEST_SIDE, batch_norm, check_shape, halvings
from zoo_core.models.layers import Conv2D
from zoo_core.models.losses import gan_accuracy, gan_discriminator_loss, gan_generator_loss
from zoo_core.models.residual import prelu, residual_block, sub_pixel
from zoo_core.specs import DataSpec

MOST_HALVINGS = 4


class SRGAN(GenerativeModel):
    """Restores images: makes them larger by a whole factor, or takes noise and blur away at their own size.

    Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network" (2017),
    https://arxiv.org/abs/1609.04802. Without the adversarial loss it is that paper's SRResNet. Deviations are listed in
    the README.
    """

    inference = ("generator",)

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        images, inputs = data.image_shape, data.fields["inputs"].shape
        check_shape(images, "srgan", SMALLEST_SIDE, "SET@16~downscale2")
        stages = min(MOST_HALVINGS, halvings(images, "srgan"))
        generator = self._generator(inputs, images[2], enlargements(inputs, images))
        if not self.options.adversarial_weight:
            return {"generator": generator}
        return {"generator": generator, "discriminator": self._discriminator(images, stages)}

    def phases(self) -> tuple[Phase, ...]:
        generator = Phase("generator", self.generator_loss, ("generator",), self._adam())
        if not self.options.adversarial_weight:
            return (generator,)
        return Phase("discriminator", self.discriminator_loss, ("discriminator",), self._adam()), generator

    def discriminator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 2."""
        fakes = ops.stop_gradient(nets["generator"](batch["inputs"], training=True))
        real_logits = nets["discriminator"](tools.augment(batch["images"]), training=True)
        fake_logits = nets["discriminator"](tools.augment(fakes), training=True)
        accuracy = gan_accuracy(real_logits, fake_logits)
        return gan_discriminator_loss(real_logits, fake_logits), {"accuracy": accuracy}

    def generator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 3, its content loss that of eq. 4."""
        fakes = nets["generator"](batch["inputs"], training=True)
        mse = ops.mean(ops.square(batch["images"] - fakes))
        if not self.options.adversarial_weight:
            return mse, {}
        adversarial = gan_generator_loss(nets["discriminator"](tools.augment(fakes), training=True))
        return mse + self.options.adversarial_weight * adversarial, {"mse": mse, "adversarial": adversarial}

    def transform(self, nets: Networks, inputs: Tensor, tools: Tools) -> Tensor:
        return ops.clip(nets["generator"](inputs, training=False), -1, 1)

    def _generator(self, shape: tuple[int, ...], channels: int, factors: list[int]) -> keras.Model:
        """Figure 4, above."""
        width = self.options.width
        inputs = keras.Input(shape)
        first = x = prelu()(layers.Conv2D(width, 9, padding="same")(inputs))
        for _ in range(self.options.blocks):
            x = residual_block(x, activation=prelu)
        x = batch_norm()(layers.Conv2D(width, 3, padding="same", use_bias=False)(x))
        x = layers.Add()([first, x])
        for factor in factors:
            x = prelu()(sub_pixel(x, width, factor))
        return keras.Model(inputs, layers.Conv2D(channels, 9, padding="same")(x), name="generator")

    def _discriminator(self, shape: tuple[int, ...], stages: int) -> keras.Model:
        """Figure 4, below: one logit for each image."""
        images = x = keras.Input(shape)
        for i in range(stages):
            width = self.options.width * 2**i
            x = Conv2D(width, 3, padding="same", use_bias=i == 0)(x)
            x = layers.LeakyReLU(0.2)(batch_norm()(x) if i else x)
            x = Conv2D(width, 4, strides=2, padding="same", use_bias=False)(x)
            x = layers.LeakyReLU(0.2)(batch_norm()(x))
        x = layers.LeakyReLU(0.2)(layers.Dense(16 * self.options.width)(layers.Flatten()(x)))
        return keras.Model(images, layers.Dense(1)(x), name="discriminator")

    def _adam(self) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(self.options.learning_rate, beta_1=self.options.beta1)


def enlargements(inputs: tuple[int, ...], images: tuple[int, ...]) -> list[int]:
    """The factors by which one stage after the other enlarges, twos first: 4 times is [2, 2], 6 times [2, 3], and
    images of the inputs' own size [].

    Raises:
        UnsupportedShape: for inputs (h, w, c) and images (H, W, C) whose sides are not in one whole proportion.
    """
    factor = max(1, images[0] // inputs[0])
    if (inputs[0] * factor, inputs[1] * factor) != images[:2]:
        raise UnsupportedShape(
            f"srgan takes images that are as large as the inputs, or larger by a whole factor, received images of "
            f"{images[0]}x{images[1]} from inputs of {inputs[0]}x{inputs[1]}.",
            "Bring the inputs to one of these sizes, or let them be made: --data SET~downscale2.",
        )
    twos = (factor & -factor).bit_length() - 1
    rest = factor >> twos
    return [2] * twos + [rest] * (rest > 1)
