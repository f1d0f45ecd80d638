import keras
from keras import layers, ops
from pydantic import Field

from zoo_core import Options
from zoo_core.models import GenerativeModel, Phase
from zoo_core.models.blocks import grow, halvings, shrink


class AutoencoderOptions(Options):
    latent: int = Field(16, ge=1, description="dimensions that an image is put into, at least 1")
    width: int = Field(32, ge=2, description="channels of the layers next to the image, at least 2")


class Autoencoder(GenerativeModel):
    """Hinton & Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks" (2006), with convolutions."""

    inference = ("encoder", "decoder")

    def networks(self, data):
        shape, width, stages = data.image_shape, self.options.width, halvings(data.image_shape, "autoencoder")
        images, latents = keras.Input(shape), keras.Input((self.options.latent,))
        features = shrink(images, width, stages, normalize=False, initializer=keras.initializers.HeNormal)
        features = layers.Dense(self.options.latent)(features)
        decoded = grow(latents, shape, width, stages, normalize=False, initializer=keras.initializers.HeNormal)
        return {"encoder": keras.Model(images, features), "decoder": keras.Model(latents, ops.tanh(decoded))}

    def phases(self):
        return (Phase("autoencoder", self.loss, ("encoder", "decoder"), keras.optimizers.Adam(1e-3)),)

    def loss(self, nets, batch, tools):
        latents = nets["encoder"](batch["images"], training=True)
        decoded = nets["decoder"](latents, training=True)
        return ops.mean(ops.square(batch["images"] - decoded)), {"latents": ops.std(latents)}

    def encode(self, nets, images):
        return nets["encoder"](images, training=False)

    def decode(self, nets, latents):
        return nets["decoder"](latents, training=False)
