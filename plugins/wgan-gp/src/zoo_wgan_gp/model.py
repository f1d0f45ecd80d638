import keras
from keras import layers, ops

from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.blocks import grow, halvings, shrink
from zoo_core.models.losses import gradient_penalty, wasserstein_critic_loss, wasserstein_generator_loss
from zoo_core.specs import DataSpec


class WGANGP(GenerativeModel):
    """Wasserstein GAN, its critic kept smooth by a penalty on its gradient.

    Gulrajani, Ahmed, Arjovsky, Dumoulin & Courville, "Improved Training of Wasserstein GANs" (2017),
    https://arxiv.org/abs/1704.00028. Deviations are listed in the README.
    """

    inference = ("generator",)

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        shape, width = data.image_shape, self.options.width
        stages = halvings(shape, "wgan-gp")

        z = keras.Input((self.options.latent,))
        images = layers.Activation("tanh")(grow(z, shape, width, stages, initializer=he_uniform))
        generator = keras.Model(z, images, name="generator")

        images = keras.Input(shape)
        # Without batch normalization: the penalty is on the gradient of each image's own score (section 4).
        scores = layers.Dense(1)(shrink(images, width, stages, normalize=False, initializer=he_uniform))
        critic = keras.Model(images, scores, name="critic")
        return {"generator": generator, "critic": critic}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("critic", self.critic_loss, ("critic",), self._adam(), repeat=self.options.critic_updates),
            Phase("generator", self.generator_loss, ("generator",), self._adam()),
        )

    def prepare(self, batch: Batch, tools: Tools) -> Batch:
        count = batch["images"].shape[0]
        return {**batch, "z": tools.normal((count, self.options.latent))}

    def critic_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 3. `distance` is an estimate of the Wasserstein distance, once the critic is good."""

        def critic(images: Tensor) -> Tensor:
            return nets["critic"](images, training=True)

        reals = tools.augment(batch["images"])
        fakes = tools.augment(ops.stop_gradient(nets["generator"](batch["z"], training=True)))
        loss = wasserstein_critic_loss(critic(reals), critic(fakes))
        penalty = gradient_penalty(critic, reals, fakes, tools)
        return loss + self.options.penalty * penalty, {"distance": -loss, "penalty": penalty}

    def generator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        fakes = nets["generator"](batch["z"], training=True)
        return wasserstein_generator_loss(nets["critic"](tools.augment(fakes), training=True)), {}

    def sample(self, nets: Networks, count: int, labels: Tensor | None, tools: Tools) -> Tensor:
        return nets["generator"](tools.normal((count, self.options.latent)), training=False)

    def _adam(self) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(self.options.learning_rate, self.options.beta1, self.options.beta2)


def he_uniform() -> keras.initializers.Initializer:
    """He et al. 2015 over the mean of both fans, neither of which is divided by the stride's square, as one is in the
    authors' code. A new object each time: one object, one draw."""
    return keras.initializers.VarianceScaling(2.0, mode="fan_avg", distribution="uniform")
