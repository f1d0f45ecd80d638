import keras
from keras import layers, ops

from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.losses import gan_accuracy, gan_discriminator_loss, gan_generator_loss
from zoo_core.models.translation import enlarge, patch_stages, patches, u_net, u_net_stages
from zoo_core.specs import DataSpec


class Pix2Pix(GenerativeModel):
    """Conditional GAN from an image to another of the same scene.

    Isola, Zhu, Zhou & Efros, "Image-to-Image Translation with Conditional Adversarial Networks" (2017),
    https://arxiv.org/abs/1611.07004. Deviations are listed in the README.
    """

    inference = ("generator",)

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        shape, width = data.image_shape, self.options.width
        stages = patch_stages(shape, "pix2pix")

        inputs = keras.Input(data.fields["inputs"].shape)
        x = u_net(enlarge(inputs, shape), shape[2], width, u_net_stages(shape), self.options.dropout)
        generator = keras.Model(inputs, layers.Activation("tanh")(x), name="generator")

        pair = keras.Input((*shape[:2], inputs.shape[3] + shape[2]))
        discriminator = keras.Model(pair, patches(pair, width, stages), name="discriminator")
        return {"generator": generator, "discriminator": discriminator}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("discriminator", self.discriminator_loss, ("discriminator",), self._adam()),
            Phase("generator", self.generator_loss, ("generator",), self._adam()),
        )

    def discriminator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 1, halved: "we divide the objective by 2 while optimizing D" (section 3.3)."""
        fakes = ops.stop_gradient(nets["generator"](batch["inputs"], training=True))
        real_logits = self._judge(nets, batch["inputs"], batch["images"], tools)
        fake_logits = self._judge(nets, batch["inputs"], fakes, tools)
        accuracy = gan_accuracy(real_logits, fake_logits)
        return 0.5 * gan_discriminator_loss(real_logits, fake_logits), {"accuracy": accuracy}

    def generator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 4, its first term in the non-saturating form."""
        fakes = nets["generator"](batch["inputs"], training=True)
        adversarial = gan_generator_loss(self._judge(nets, batch["inputs"], fakes, tools))
        l1 = ops.mean(ops.abs(batch["images"] - fakes))
        loss = self.options.adversarial_weight * adversarial + self.options.l1_weight * l1
        return loss, {"adversarial": adversarial, "l1": l1}

    def transform(self, nets: Networks, inputs: Tensor, tools: Tools) -> Tensor:
        return nets["generator"](inputs, training=False)

    def _judge(self, nets: Networks, inputs: Tensor, images: Tensor, tools: Tools) -> Tensor:
        """Logits (N, h, w, 1) of pairs, augmented together, so that input and image move and are recoloured alike."""
        pair = tools.augment([enlarge(inputs, images.shape[1:]), images])
        return nets["discriminator"](ops.concatenate(pair, axis=-1), training=True)

    def _adam(self) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(self.options.learning_rate, beta_1=self.options.beta1)
