"""The classifier's network, fixed in code: only its weights ever come from a file."""

import keras
import numpy as np
from keras import layers

from zoo_core.data import resize

WIDTHS = (16, 32, 64)
FEATURES = 64
SMALLEST, LARGEST = 8, 256
"""Sides, in pixels, of the images that a network can be built for: three halvings below, 32 MiB of weights above."""

BATCH = 256
"""Images go through the network in batches of exactly this many, the last one padded, so that it compiles once."""


def build_network(shape: tuple[int, int, int], classes: int, seed: int = 0) -> keras.Model:
    """Images (N, H, W, C) in [0, 255] → features (N, 64) and logits (N, classes).

    Three blocks of two 3×3 convolutions, each block halving the image. The features are the penultimate layer before
    its ReLU, normalized to mean 0 and variance 1 over the training images. A Fréchet distance compares Gaussians, and
    before the ReLU features are nearer to one: on MNIST's test split their mean absolute skewness is 0.7 and their
    excess kurtosis −0.2, behind it 1.6 and 1.4, the covariance being of full rank in both places. The normalization
    gives the distances of different classifiers one scale.

    Args:
        shape: (H, W, C).
        seed: of the initial weights.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(2 * len(WIDTHS) + 2).tolist())

    def settings(name: str) -> dict[str, str]:
        # float32 whatever Keras' global policy: scores must not depend on the precision that a model trains in.
        return {"name": name, "dtype": "float32"}

    def kernel() -> keras.initializers.Initializer:
        return keras.initializers.HeNormal(seed=next(seeds))

    images = keras.Input(shape, name="images", dtype="float32")
    x = layers.Rescaling(1 / 127.5, offset=-1, **settings("rescale"))(images)
    for block, width in enumerate(WIDTHS, start=1):
        for part in (f"block{block}a", f"block{block}b"):
            convolution = layers.Conv2D(
                width, 3, padding="same", use_bias=False, kernel_initializer=kernel(), **settings(f"{part}_conv")
            )
            x = layers.BatchNormalization(**settings(f"{part}_norm"))(convolution(x))
            x = layers.ReLU(**settings(f"{part}_relu"))(x)
        x = layers.MaxPooling2D(2, padding="same", **settings(f"block{block}_pool"))(x)
    x = layers.Flatten(**settings("flatten"))(x)  # (N, ceil(H/8) * ceil(W/8) * 64)
    x = layers.Dense(FEATURES, use_bias=False, kernel_initializer=kernel(), **settings("penultimate"))(x)
    features = layers.BatchNormalization(center=False, scale=False, **settings("features"))(x)
    x = layers.ReLU(**settings("features_relu"))(features)
    logits = layers.Dense(classes, kernel_initializer=kernel(), **settings("logits"))(x)
    return keras.Model(images, [features, logits], name="classifier")


def keras_runtime() -> str:
    """What computes a Keras network, for the record: "keras 3.15.1, jax, cpu"."""
    name = keras.backend.backend()
    # Keras lists no devices on torch.
    device = keras.ops.zeros(()).device.type if name == "torch" else keras.distribution.list_devices()[0]
    return f"keras {keras.__version__}, {name}, {device.partition(':')[0]}"


def predict(network: keras.Model, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 64) and logits (N, classes), float32, of uint8 images (N, H, W, C) of any size."""
    features, logits = (np.empty((len(images), *output.shape[1:]), np.float32) for output in network.outputs)
    for start in range(0, len(images), BATCH):
        batch = conform(images[start : start + BATCH], network.input_shape[1:]).astype(np.float32)
        stop = start + len(batch)
        padded = np.pad(batch, [(0, BATCH - len(batch)), (0, 0), (0, 0), (0, 0)])
        outputs = network.predict_on_batch(padded)
        features[start:stop], logits[start:stop] = (output[: len(batch)] for output in outputs)
    return features, logits


def conform(images: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Bring images to the shape that a network takes.

    RGB becomes gray by the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B; gray becomes RGB by repetition; another
    size by Pillow's antialiased Lanczos filter.

    Args:
        images: (N, H, W, C) uint8, C 1 or 3.
        shape: (H', W', C'), C' 1 or 3.

    Returns:
        (N, H', W', C') uint8.
    """
    height, width, channels = shape
    if images.shape[3] == 3 and channels == 1:
        luma = images @ np.array([[0.299], [0.587], [0.114]])  # (N, H, W, 1)
        images = np.floor(luma + 0.5).astype(np.uint8)
    elif images.shape[3] == 1 and channels == 3:
        images = np.repeat(images, 3, axis=3)
    return images if images.shape[1:3] == (height, width) else resize(images, (height, width))
