import keras
from keras import layers, ops

from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.blocks import grow, halvings, shrink, small_normal
from zoo_core.models.losses import gan_accuracy, gan_discriminator_loss, gan_generator_loss
from zoo_core.specs import DataSpec


class CGAN(GenerativeModel):
    """Conditional GAN: the label is an input of the generator and of the discriminator.

    Mirza & Osindero, "Conditional Generative Adversarial Nets" (2014), https://arxiv.org/abs/1411.1784, with
    convolutional networks in place of the paper's fully connected ones. Deviations are listed in the README.
    """

    inference = ("generator",)

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        shape, width, classes = data.image_shape, self.options.width, len(data.classes)
        stages = halvings(shape, "cgan")
        height, across, _ = shape

        z = keras.Input((self.options.latent,))
        label = keras.Input((), dtype="int32")
        condition = layers.Embedding(classes, self.options.embedding)(label)  # (N, embedding)
        images = layers.Activation("tanh")(grow(layers.Concatenate()([z, condition]), shape, width, stages))
        generator = keras.Model([z, label], images, name="generator")

        images = keras.Input(shape)
        label = keras.Input((), dtype="int32")
        # As large as an image from the start: at Keras' default of ±0.05 the label is overheard for hundreds of steps.
        unit_normal = keras.initializers.RandomNormal(stddev=1.0)
        condition = layers.Embedding(classes, self.options.embedding, unit_normal)(label)
        plane = layers.Reshape((height, across, 1))(layers.Dense(height * across)(condition))  # one more channel
        # Without batch normalization: with it, the statistics of a batch give away that all its images are generated,
        # the discriminator wins, and each class collapses to a few images.
        features = shrink(layers.Concatenate()([images, plane]), width, stages, normalize=False)
        logits = layers.Dense(1, kernel_initializer=small_normal())(features)
        discriminator = keras.Model([images, label], logits, name="discriminator")
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
        labels = batch["labels"]
        fakes = ops.stop_gradient(nets["generator"]([batch["z"], labels], training=True))
        real_logits = nets["discriminator"]([tools.augment(batch["images"]), labels], training=True)
        fake_logits = nets["discriminator"]([tools.augment(fakes), labels], training=True)
        accuracy = gan_accuracy(real_logits, fake_logits)
        return gan_discriminator_loss(real_logits, fake_logits), {"accuracy": accuracy}

    def generator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        labels = batch["labels"]
        fakes = nets["generator"]([batch["z"], labels], training=True)
        fake_logits = nets["discriminator"]([tools.augment(fakes), labels], training=True)
        return gan_generator_loss(fake_logits), {}

    def sample(self, nets: Networks, count: int, labels: Tensor | None, tools: Tools) -> Tensor:
        return nets["generator"]([tools.normal((count, self.options.latent)), labels], training=False)

    def _adam(self) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(self.options.learning_rate, beta_1=self.options.beta1)
