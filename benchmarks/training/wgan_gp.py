"""WGAN-GP as a model of the zoo, for the benchmark of double backward passes: see `cases.Case`."""

import keras
from cases import PENALTY, Case
from keras import layers, ops

from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.blocks import grow, halvings, shrink, small_normal
from zoo_core.specs import DataSpec


class WGANGP(GenerativeModel):
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, algorithm 1), https://arxiv.org/abs/1704.00028.

    Its options are a `Case`.
    """

    inference = ("generator",)
    options: Case

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        shape, width = data.image_shape, self.options.width
        stages = halvings(shape, "wgan-gp")
        z, images = keras.Input((self.options.latent,)), keras.Input(shape)
        features = shrink(images, width, stages, normalize=False)
        return {
            "generator": keras.Model(z, layers.Activation("tanh")(grow(z, shape, width, stages))),
            "critic": keras.Model(images, layers.Dense(1, kernel_initializer=small_normal())(features)),
        }

    def phases(self) -> tuple[Phase, ...]:
        rate, beta1, beta2 = self.options.adam
        adams = [keras.optimizers.Adam(rate, beta1, beta2) for _ in range(2)]
        return (
            Phase("critic", self.critic_loss, ("critic",), adams[0], repeat=self.options.repeat),
            Phase("generator", self.generator_loss, ("generator",), adams[1]),
        )

    def prepare(self, batch: Batch, tools: Tools) -> Batch:
        return {**batch, "z": tools.normal((batch["images"].shape[0], self.options.latent))}

    def critic_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        reals = batch["images"]
        fakes = ops.stop_gradient(nets["generator"](batch["z"], training=True))
        mixed = reals + tools.uniform((reals.shape[0], 1, 1, 1)) * (fakes - reals)
        gradients = tools.grad(lambda x: ops.sum(nets["critic"](x, training=True)))(mixed)
        norms = ops.sqrt(ops.sum(ops.square(gradients), axis=(1, 2, 3)))
        scores = [ops.mean(nets["critic"](images, training=True)) for images in (fakes, reals)]
        return scores[0] - scores[1] + PENALTY * ops.mean(ops.square(norms - 1.0)), {}

    def generator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        fakes = nets["generator"](batch["z"], training=True)
        return -ops.mean(nets["critic"](fakes, training=True)), {}
