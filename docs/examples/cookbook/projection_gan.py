import keras
from keras import layers, ops

from zoo_core.models import GenerativeModel, Phase
from zoo_core.models.blocks import grow, halvings, shrink
from zoo_core.models.layers import SpectralNormalization
from zoo_core.models.losses import hinge_discriminator_loss, hinge_generator_loss

LABELS = "required"  # in a package: ModelSpec(..., labels="required")
LATENT, WIDTH = 64, 32


class ProjectionGAN(GenerativeModel):
    """Miyato & Koyama, "cGANs with Projection Discriminator" (2018), https://arxiv.org/abs/1802.05637."""

    inference = ("generator",)

    def networks(self, data):
        shape, classes, stages = data.image_shape, len(data.classes), halvings(data.image_shape, "projection_gan")

        z, label = keras.Input((LATENT,)), keras.Input((), dtype="int32")
        condition = layers.Embedding(classes, LATENT, "random_normal")(label)  # (N, LATENT)
        images = ops.tanh(grow(layers.Concatenate()([z, condition]), shape, WIDTH, stages))
        generator = keras.Model([z, label], images)

        images, label = keras.Input(shape), keras.Input((), dtype="int32")
        features = layers.Dense(128, "relu")(shrink(images, WIDTH, stages, normalize=False))
        score = SpectralNormalization(layers.Dense(1))(features)
        projection = layers.Embedding(classes, 128)(label)
        score += ops.sum(features * projection, axis=-1, keepdims=True)  # eq. 3: ψ(φ(x)) + yᵀVφ(x)
        return {"generator": generator, "discriminator": keras.Model([images, label], score)}

    def phases(self):
        return (
            Phase("discriminator", self.discriminator_loss, ("discriminator",), self._adam()),
            Phase("generator", self.generator_loss, ("generator",), self._adam()),
        )

    def prepare(self, batch, tools):
        return {**batch, "z": tools.normal((batch["images"].shape[0], LATENT))}

    def discriminator_loss(self, nets, batch, tools):
        labels = batch["labels"]
        fakes = ops.stop_gradient(nets["generator"]([batch["z"], labels], training=True))
        reals = nets["discriminator"]([tools.augment(batch["images"]), labels], training=True)
        fakes = nets["discriminator"]([tools.augment(fakes), labels], training=True)
        return hinge_discriminator_loss(reals, fakes), {}

    def generator_loss(self, nets, batch, tools):
        fakes = nets["generator"]([batch["z"], batch["labels"]], training=True)
        return hinge_generator_loss(nets["discriminator"]([tools.augment(fakes), batch["labels"]], training=True)), {}

    def sample(self, nets, count, labels, tools):
        return nets["generator"]([tools.normal((count, LATENT)), labels], training=False)

    def _adam(self):
        return keras.optimizers.Adam(2e-4, beta_1=0.5)
