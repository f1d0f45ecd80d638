import keras
from keras import layers, ops

from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.blocks import grow, halvings, shrink, small_normal
from zoo_core.models.losses import gan_accuracy, gan_discriminator_loss, gan_generator_loss
from zoo_core.specs import DataSpec


class DCGAN(GenerativeModel):
    """Deep convolutional GAN.

    Radford, Metz & Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
    Networks" (2015), https://arxiv.org/abs/1511.06434. Deviations are listed in the README.
    """

    inference = ("generator",)

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        shape, width = data.image_shape, self.options.width
        stages = halvings(shape, "dcgan")

        z = keras.Input((self.options.latent,))
        images = layers.Activation("tanh")(grow(z, shape, width, stages))
        generator = keras.Model(z, images, name="generator")

        images = keras.Input(shape)
        logits = layers.Dense(1, kernel_initializer=small_normal())(shrink(images, width, stages))
        discriminator = keras.Model(images, logits, name="discriminator")
        return {"generator": generator, "discriminator": discriminator}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("discriminator", self.discriminator_loss, ("discriminator",), self._adam()),
            Phase("generator", self.generator_loss, ("generator",), self._adam()),
        )

    def prepare(self, batch: Batch, tools: Tools) -> Batch:
        count = batch["images"].shape[0]
        return {**batch, "z": tools.normal((count, self.options.latent))}

    def discriminator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        fakes = ops.stop_gradient(nets["generator"](batch["z"], training=True))
        real_logits = nets["discriminator"](tools.augment(batch["images"]), training=True)
        fake_logits = nets["discriminator"](tools.augment(fakes), training=True)
        accuracy = gan_accuracy(real_logits, fake_logits)
        return gan_discriminator_loss(real_logits, fake_logits), {"accuracy": accuracy}

    def generator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        fakes = nets["generator"](batch["z"], training=True)
        fake_logits = nets["discriminator"](tools.augment(fakes), training=True)
        return gan_generator_loss(fake_logits), {}

    def sample(self, nets: Networks, count: int, labels: Tensor | None, tools: Tools) -> Tensor:
        return nets["generator"](tools.normal((count, self.options.latent)), training=False)

    def _adam(self) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(self.options.learning_rate, beta_1=self.options.beta1)
