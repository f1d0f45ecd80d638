"""What is trained: models and image sizes, and the batches on whose losses all implementations must agree.

Free of every framework, since each implementation runs in an environment of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 64
IMAGES = 8192  # of the data set that is fed while the clock runs
EMA = 0.999  # of the generator's weights, or of both networks of a VAE
PENALTY = 10.0  # weight of WGAN-GP's gradient penalty, the plugin's default
AGREEMENT_STEPS = 20

Batch = Mapping[str, Any]
"""`images` (N, H, W, C); and where the noise is given, not drawn: `normal` (N, latent), `uniform` (N, 1, 1, 1)."""


@dataclass(frozen=True)
class Case:
    """One training step: every network updated, its weights averaged.

    Args:
        model: "dcgan", "vae" or "wgan-gp", as the plugins of these names have it.
        shape: (H, W, C), H = W.
        width: channels next to the image.
        latent: dimensions of z.
        adam: learning rate, β₁, β₂. Its ε is Keras' 1e-7.
        repeat: batches of `BATCH` that a step sees: WGAN-GP's critic is updated so often for each update of the
            generator, whose z are those of the critic's first update.
        precision: of layers; weights are float32.
        device: "gpu" where it is too much for a CPU.
    """

    name: str
    model: str
    shape: tuple[int, int, int]
    width: int
    latent: int
    adam: tuple[float, float, float]
    repeat: int = 1
    precision: str = "float32"
    device: str = "any"

    @property
    def stages(self) -> int:
        """How often a side halves until it is 4 or less."""
        return ((self.shape[0] - 1) // 4).bit_length()

    @property
    def images_per_step(self) -> int:
        return BATCH * self.repeat


DCGAN = {"model": "dcgan", "width": 64, "latent": 100, "adam": (2e-4, 0.5, 0.999)}
VAE = {"model": "vae", "width": 32, "latent": 16, "adam": (1e-3, 0.9, 0.999)}
WGAN_GP = {"model": "wgan-gp", "width": 64, "latent": 100, "adam": (1e-4, 0.0, 0.9), "repeat": 5}

CASES = {
    case.name: case
    for case in (
        Case("dcgan-28", shape=(28, 28, 1), **DCGAN),
        Case("dcgan-32", shape=(32, 32, 3), **DCGAN),
        Case("vae-28", shape=(28, 28, 1), **VAE),
        Case("vae-32", shape=(32, 32, 3), **VAE),
        Case("wgan-gp-32", shape=(32, 32, 3), **WGAN_GP),
        Case("dcgan-64", shape=(64, 64, 3), **DCGAN | {"width": 256}, precision="bfloat16", device="gpu"),
    )
}


def random_images(case: Case, count: int, seed: int) -> np.ndarray:
    """uint8 (count, H, W, C)."""
    return np.random.default_rng(seed).integers(0, 256, (count, *case.shape), np.uint8)


def agreement_batches(case: Case) -> list[dict[str, np.ndarray]]:
    """The same for everybody: uint8 images with the noise of their step."""
    generator, count = np.random.default_rng(1), case.images_per_step
    return [
        {
            "images": random_images(case, count, seed=2 + step),
            "normal": generator.standard_normal((count, case.latent), np.float32),
            "uniform": generator.random((count, 1, 1, 1), np.float32),
        }
        for step in range(AGREEMENT_STEPS)
    ]


def save_weights(path: Path, weights: Mapping[str, list[np.ndarray]]) -> None:
    """The trainable weights of networks in Keras' layouts and order, which all implementations start from."""
    np.savez(path, **{f"{network}/{i:03d}": array for network in weights for i, array in enumerate(weights[network])})


def load_weights(path: Path) -> dict[str, list[np.ndarray]]:
    weights: dict[str, list[np.ndarray]] = {}
    with np.load(path) as file:
        for name in sorted(file.files):
            weights.setdefault(name.partition("/")[0], []).append(file[name])
    return weights
