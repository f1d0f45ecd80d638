import keras
from keras import layers, ops
from pydantic import Field

from zoo_core import Options
from zoo_core.models import GenerativeModel, Phase
from zoo_core.models.blocks import grow, halvings, shrink
from zoo_core.models.losses import wasserstein_critic_loss, wasserstein_generator_loss


class WGANGPOptions(Options):
    latent: int = Field(64, ge=1, description="dimensions of z, at least 1")
    width: int = Field(32, ge=2, description="channels of the layers next to the image, at least 2")
    penalty: float = Field(10.0, ge=0, description="λ, the weight of the gradient penalty, at least 0")
    critic_updates: int = Field(5, ge=1, description="updates of the critic for each one of the generator")


class WGANGP(GenerativeModel):
    """Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), https://arxiv.org/abs/1704.00028."""

    inference = ("generator",)

    def networks(self, data):
        shape, width, stages = data.image_shape, self.options.width, halvings(data.image_shape, "wgan_gp")
        z, images = keras.Input((self.options.latent,)), keras.Input(shape)
        generator = keras.Model(z, ops.tanh(grow(z, shape, width, stages)))
        # A critic without batch normalization: the penalty is on the gradient of each image's own score.
        critic = keras.Model(images, layers.Dense(1)(shrink(images, width, stages, normalize=False)))
        return {"generator": generator, "critic": critic}

    def phases(self):
        return (
            Phase("critic", self.critic_loss, ("critic",), self._adam(), repeat=self.options.critic_updates),
            Phase("generator", self.generator_loss, ("generator",), self._adam()),
        )

    def prepare(self, batch, tools):
        return {**batch, "z": tools.normal((batch["images"].shape[0], self.options.latent))}

    def critic_loss(self, nets, batch, tools):
        reals = tools.augment(batch["images"])
        fakes = tools.augment(ops.stop_gradient(nets["generator"](batch["z"], training=True)))
        distance = wasserstein_critic_loss(nets["critic"](reals, training=True), nets["critic"](fakes, training=True))
        penalty = self.gradient_penalty(nets["critic"], reals, fakes, tools)
        return distance + self.options.penalty * penalty, {"distance": -distance, "penalty": penalty}

    def gradient_penalty(self, critic, reals, fakes, tools):
        """E (‖∇D(x̂)‖₂ − 1)², x̂ somewhere between a real and a generated image (eq. 3)."""
        where = tools.uniform((reals.shape[0], 1, 1, 1))
        gradient = tools.grad(lambda x: ops.sum(critic(x, training=True)))(where * reals + (1 - where) * fakes)
        norms = ops.sqrt(ops.sum(ops.square(gradient), axis=(1, 2, 3)) + 1e-12)  # (N,); a root has no slope at 0
        return ops.mean(ops.square(norms - 1))

    def generator_loss(self, nets, batch, tools):
        fakes = nets["generator"](batch["z"], training=True)
        return wasserstein_generator_loss(nets["critic"](tools.augment(fakes), training=True)), {}

    def sample(self, nets, count, labels, tools):
        return nets["generator"](tools.normal((count, self.options.latent)), training=False)

    def _adam(self):
        return keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9)  # algorithm 1
