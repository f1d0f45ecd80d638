import keras
from keras import layers, ops

from zoo_core import UnsupportedShape
from zoo_core.models import GenerativeModel, Phase
from zoo_core.models.losses import gaussian_kl


class MyVAE(keras.Model):
    """What you have already, as it is: for digits of 28×28×1 in [0, 1], with `compile` and `fit`."""

    def __init__(self, latent=16):
        super().__init__()
        self.latent = latent
        self.encoder = keras.Sequential(
            [
                layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
                layers.Conv2D(64, 3, strides=2, padding="same", activation="relu"),
                layers.Flatten(),
                layers.Dense(2 * latent),
            ]
        )
        self.decoder = keras.Sequential(
            [
                layers.Dense(7 * 7 * 64, activation="relu"),
                layers.Reshape((7, 7, 64)),
                layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu"),
                layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
            ]
        )

    def call(self, images):
        mean, log_variance = ops.split(self.encoder(images), 2, axis=-1)
        self.add_loss(ops.mean(gaussian_kl(mean, log_variance)))
        return self.decoder(mean + ops.exp(0.5 * log_variance) * keras.random.normal(ops.shape(mean)))


class WrappedVAE(GenerativeModel):
    """My VAE in the zoo: its networks as they are, and no `fit`."""

    inference = ("encoder", "decoder")

    def networks(self, data):
        if data.image_shape != (28, 28, 1):
            raise UnsupportedShape(
                f"wrapped_vae takes images of 28x28x1, received {data.image_shape}.", "Try --data mnist."
            )
        mine = MyVAE()
        images, latents = keras.Input((28, 28, 1)), keras.Input((mine.latent,))
        encoder = keras.Model(images, mine.encoder(layers.Rescaling(0.5, 0.5)(images)))  # [-1, 1] → [0, 1]
        decoder = keras.Model(latents, layers.Rescaling(2.0, -1.0)(mine.decoder(latents)))  # and back
        return {"encoder": encoder, "decoder": decoder}

    def phases(self):
        return (Phase("vae", self.loss, ("encoder", "decoder"), keras.optimizers.Adam(1e-3)),)

    def loss(self, nets, batch, tools):
        mean, log_variance = ops.split(nets["encoder"](batch["images"], training=True), 2, axis=-1)
        latents = mean + ops.exp(0.5 * log_variance) * tools.normal(mean.shape)
        decoded = nets["decoder"](latents, training=True)
        wanted, given = 0.5 * batch["images"] + 0.5, 0.5 * decoded + 0.5
        entropy = keras.losses.binary_crossentropy(wanted, given)  # (N, H, W), a mean over channels
        reconstruction, kl = ops.mean(ops.sum(entropy, axis=(1, 2))), ops.mean(gaussian_kl(mean, log_variance))
        return reconstruction + kl, {"reconstruction": reconstruction, "kl": kl}

    def sample(self, nets, count, labels, tools):
        return self.decode(nets, tools.normal((count, nets["decoder"].inputs[0].shape[1])))

    def encode(self, nets, images):
        return ops.split(nets["encoder"](images, training=False), 2, axis=-1)[0]

    def decode(self, nets, latents):
        return nets["decoder"](latents, training=False)
