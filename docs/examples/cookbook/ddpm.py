from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops
from pydantic import Field

from zoo_core import Options, UnsupportedShape
from zoo_core.models import GenerativeModel, Phase


class DDPMOptions(Options):
    width: int = Field(16, ge=8, multiple_of=8, description="channels at full size, a multiple of 8")
    diffusion_steps: int = Field(100, ge=2, description="T: from an image to noise, and back, at least 2")


class Schedule(NamedTuple):
    """float32 (T,) each."""

    alpha_bar: np.ndarray  # how much of an image's variance is left
    a: np.ndarray  # the mean of q(x_{t-1} | x_t, x_0) is a x_0 + b x_t (Ho et al., eq. 7)
    b: np.ndarray
    deviation: np.ndarray  # of that distribution, 0 at the last step


class DDPM(GenerativeModel):
    """Ho, Jain & Abbeel, "Denoising Diffusion Probabilistic Models" (2020), https://arxiv.org/abs/2006.11239.

    With the cosine schedule of Nichol & Dhariwal (2021), https://arxiv.org/abs/2102.09672, which needs fewer steps.
    """

    inference = ("denoiser",)  # its weights are averaged (EMA) by the engine, and the average samples

    def networks(self, data):
        height, across, channels = data.image_shape
        if height % 4 or across % 4:
            raise UnsupportedShape(
                f"ddpm takes sides that are multiples of 4, received {height}x{across}.",
                "Ask for another size, for example --data SET@32.",
            )
        width = self.options.width
        noisy, time = keras.Input(data.image_shape), keras.Input((), dtype="int32")
        angles = ops.cast(time, "float32")[:, None] * np.geomspace(1, 1e-4, width, dtype="float32")
        embedded = layers.Dense(4 * width, "silu")(ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=1))

        full = residual(layers.Conv2D(width, 3, padding="same")(noisy), embedded, width)
        half = residual(layers.AveragePooling2D(2)(full), embedded, 2 * width)
        x = residual(layers.AveragePooling2D(2)(half), embedded, 2 * width)
        x = residual(layers.Concatenate()([layers.UpSampling2D(2)(x), half]), embedded, 2 * width)
        x = residual(layers.Concatenate()([layers.UpSampling2D(2)(x), full]), embedded, width)
        noise = layers.Conv2D(channels, 3, padding="same", kernel_initializer="zeros", dtype="float32")(x)
        return {"denoiser": keras.Model([noisy, time], noise)}

    def phases(self):
        return (Phase("denoiser", self.loss, ("denoiser",), keras.optimizers.Adam(1e-3)),)

    def loss(self, nets, batch, tools):
        """‖ε − ε_θ(√ᾱ x₀ + √(1 − ᾱ) ε, t)‖² (Ho et al., eq. 14)."""
        images = batch["images"]
        time = tools.randint((images.shape[0],), self.options.diffusion_steps)
        noise = tools.normal(images.shape)
        alpha_bar = ops.take(self._schedule().alpha_bar, time)[:, None, None, None]
        noisy = ops.sqrt(alpha_bar) * images + ops.sqrt(1 - alpha_bar) * noise
        return ops.mean(ops.square(noise - nets["denoiser"]([noisy, time], training=True))), {}

    def sample(self, nets, count, labels, tools):
        """Ho et al., algorithm 2, by way of x₀, which is kept in [-1, 1]."""
        steps, shape = self.options.diffusion_steps, nets["denoiser"].inputs[0].shape[1:]

        def denoise(i, x):
            time = steps - 1 - i
            noise = nets["denoiser"]([x, ops.full((count,), time, "int32")], training=False)
            alpha_bar, a, b, deviation = (ops.take(each, time) for each in self._schedule())
            image = ops.clip((x - ops.sqrt(1 - alpha_bar) * noise) / ops.sqrt(alpha_bar), -1, 1)
            return a * image + b * x + deviation * tools.normal(x.shape, index=i)

        return ops.fori_loop(0, steps, denoise, tools.normal((count, *shape)))

    def _schedule(self):
        time = np.arange(self.options.diffusion_steps + 1) / self.options.diffusion_steps
        kept = np.cos((time + 0.008) / 1.008 * np.pi / 2) ** 2  # Nichol & Dhariwal, eq. 17
        beta = np.minimum(1 - kept[1:] / kept[:-1], 0.999)
        alpha_bar = np.cumprod(1 - beta)
        before = np.append(1, alpha_bar[:-1])
        a, b = np.sqrt(before) * beta / (1 - alpha_bar), np.sqrt(1 - beta) * (1 - before) / (1 - alpha_bar)
        deviation = np.sqrt(beta * (1 - before) / (1 - alpha_bar))
        return Schedule(*(each.astype("float32") for each in (alpha_bar, a, b, deviation)))


def residual(x, embedded, width):
    """Two convolutions beside a shortcut, the time added in between."""
    h = layers.Conv2D(width, 3, padding="same")(ops.silu(layers.GroupNormalization(8)(x)))
    h += layers.Reshape((1, 1, width))(layers.Dense(width)(embedded))
    h = layers.Conv2D(width, 3, padding="same")(ops.silu(layers.GroupNormalization(8)(h)))
    return h + layers.Conv2D(width, 1)(x)
