import keras
from keras import layers as keras_layers
from keras import ops

from zoo_core import DataSpec, UnsupportedShape
from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.blocks import grow, halvings, shrink, small_normal
from zoo_core.models.layers import Conv2D, Dropout, SpectralNormalization
from zoo_core.models.losses import (
    gradient_penalty,
    hinge_discriminator_loss,
    hinge_generator_loss,
    r1_penalty,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)


class V1GAN(GenerativeModel):
    """Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), https://arxiv.org/abs/1704.00028."""

    inference = ("generator",)

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        shape, width, classes = data.image_shape, self.options.width, len(data.classes)
        if shape[0] > 64:
            raise UnsupportedShape(f"v1-gan takes images of at most 64 pixels, received {shape[0]}.", "Ask for less.")
        stages = halvings(shape, "v1-gan")
        z, label = keras.Input((self.options.latent,)), keras.Input((), dtype="int32")
        condition = keras_layers.Embedding(classes, 4)(label)
        pixels = grow(keras_layers.Concatenate()([z, condition]), shape, width, stages)
        generator = keras.Model([z, label], keras_layers.Activation("tanh")(pixels), name="generator")

        images, label = keras.Input(shape), keras.Input((), dtype="int32")
        plane = keras_layers.Dense(shape[0] * shape[1])(keras_layers.Embedding(classes, 4)(label))
        x = keras_layers.Concatenate()([images, keras_layers.Reshape((*shape[:2], 1))(plane)])
        x = SpectralNormalization(Conv2D(width, 4, strides=2, padding="same"))(x)
        x = Dropout(self.options.dropout)(shrink(x, width, stages - 1, normalize=False))
        critic = keras.Model([images, label], keras_layers.Dense(1, kernel_initializer=small_normal())(x))
        return {"generator": generator, "critic": critic}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("critic", self.critic_loss, ("critic",), self._adam(), repeat=2),
            Phase("regularization", self.regularization, trains=("critic",), optimizer=self._adam(), every=2),
            Phase("generator", self.generator_loss, ("generator",), self._adam()),
        )

    def prepare(self, batch: Batch, tools: Tools) -> Batch:
        count = batch["images"].shape[0]
        flipped = tools.randint((count,), 2)
        strength = tools.uniform((count, 1)) * ops.cast(tools.step >= 0, "float32")
        z = tools.normal((count, self.options.latent))
        return {**batch, "z": ops.where(flipped[:, None] == 1, z, -z) * (0.5 + strength)}

    def critic_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        real, labels = tools.augment(batch["images"]), batch["labels"]
        fake = tools.augment(ops.stop_gradient(nets["generator"]([batch["z"], labels], training=True)))

        def critic(images: Tensor) -> Tensor:
            return nets["critic"]([images, labels], training=True)

        hinge = self.options.loss == "hinge"
        loss = (hinge_discriminator_loss if hinge else wasserstein_critic_loss)(critic(real), critic(fake))
        penalty = gradient_penalty(critic, real, fake, tools)
        return loss + self.options.penalty * penalty, {"penalty": penalty}

    def regularization(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        images, labels = tools.augment(batch["images"]), batch["labels"]
        return r1_penalty(lambda x: nets["critic"]([x, labels], training=True), images, tools), {}

    def generator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        fakes = nets["generator"]([batch["z"], batch["labels"]], training=True)
        scores = nets["critic"]([tools.augment(fakes), batch["labels"]], training=True)
        hinge = self.options.loss == "hinge"
        return (hinge_generator_loss if hinge else wasserstein_generator_loss)(scores), {}

    def sample(self, nets: Networks, count: int, labels: Tensor | None, tools: Tools) -> Tensor:
        return nets["generator"]([tools.normal((count, self.options.latent)), labels], training=False)

    def _adam(self) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(self.options.learning_rate, beta_1=0.5)
