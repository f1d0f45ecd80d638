"""What metrics are checked on: images of three classes that are easily told apart, and worse ones."""

from dataclasses import replace
from typing import Literal

import numpy as np

from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.images import ArrayImages, Images, Taken
from zoo_core.evaluation.metric import Evaluand, Likelihoods
from zoo_core.evaluation.sample import Sample
from zoo_core.features import ClassifyingNetwork, FeatureNetwork

COUNT = 120
CLASSES = ("a", "b", "c")
SHAPES = ((16, 16, 1), (16, 16, 3))

Kind = Literal["fresh", "same", "dark", "alike", "copied"]
"""Generated images: as real ones are; the reference itself, in another order; nearly black, whatever was asked for; all
but one and the same; those that were trained on. Pairs and likelihoods are as bad in the last three of them."""

WORSE: tuple[Kind, ...] = ("dark", "alike", "copied")


class Quadrants(ClassifyingNetwork):
    """The mean brightness of each quadrant, (N, 4), and the three first of them as logits.

    It bears the name of the network that some metrics insist on.
    """

    name, weights_sha256, runtime = "inception", None, "numpy"
    classes = CLASSES

    def features(self, images: np.ndarray) -> np.ndarray:
        height, width = images.shape[1] // 2, images.shape[2] // 2
        corners = [images[:, y : y + height, x : x + width] for y in (0, height) for x in (0, width)]
        return np.stack([corner.mean(axis=(1, 2, 3)) for corner in corners], axis=1).astype(np.float32) / 255

    def logits(self, features: np.ndarray) -> np.ndarray:
        return 20 * features[:, : len(CLASSES)]


def evaluand(kind: Kind = "fresh", shape: tuple[int, int, int] = SHAPES[0]) -> Evaluand:
    """Everything that there can be to measure, of 120 images on each side."""
    network = Quadrants()
    names = ("reference", "real", "training", "fresh")
    reference, real, training, fresh = (_images(name, shape, seed) for seed, name in enumerate(names))
    generated = {"fresh": fresh, "same": sorted_by_brightness(reference), "copied": training}.get(kind)
    if generated is None:
        generated = _dark(shape) if kind == "dark" else _alike(fresh)
    originals = reference.read(0, COUNT)
    noise = {"fresh": 4, "same": 0}.get(kind, 60)
    rng = np.random.default_rng(9)
    damaged = np.clip(originals + rng.normal(0, 1, originals.shape) * noise, 0, 255).astype(np.uint8)
    worse = 0 if kind in ("fresh", "same") else 500
    return Evaluand(
        network=network,
        reference=sample(reference, network),
        generated=sample(generated, network),
        real=sample(real, network),
        training=sample(training, network),
        pairs=(ArrayImages("originals", originals), ArrayImages("reconstructions", damaged)),
        likelihoods=Likelihoods(rng.normal(-1000, 10, COUNT) - worse, "exact", "discrete"),
    )


def reordered(whole: Evaluand) -> Evaluand:
    """The same images on every side, sorted by their brightness; those of the reference the other way round."""
    assert whole.generated is not None
    assert whole.pairs is not None
    order = np.argsort([image.mean() for image in whole.pairs[0].read(0, COUNT)], kind="stable")
    return replace(
        whole,
        reference=sample(sorted_by_brightness(whole.reference.images, falling=True), whole.network),
        generated=sample(sorted_by_brightness(whole.generated.images), whole.network),
        pairs=(Taken(whole.pairs[0], order), Taken(whole.pairs[1], order)),
    )


def without_labels(whole: Evaluand) -> Evaluand:
    """The same images on every side, and nobody knows what they show."""

    def bare(one: Sample | None) -> Sample | None:
        return one and sample(ArrayImages(one.images.name, one.images.read(0, len(one))), whole.network)

    reference = bare(whole.reference)
    assert reference is not None
    generated, real, training = bare(whole.generated), bare(whole.real), bare(whole.training)
    return replace(whole, reference=reference, generated=generated, real=real, training=training)


def sample(images: Images, network: FeatureNetwork) -> Sample:
    return Sample(images, network, FeatureStore(None))


def sorted_by_brightness(images: Images, falling: bool = False) -> Images:
    order = np.argsort([image.mean() for image in images.read(0, len(images))], kind="stable")
    return Taken(images, order[::-1] if falling else order)


def _images(name: str, shape: tuple[int, int, int], seed: int) -> Images:
    """Gray noise, and in the quadrant of its class a brighter patch."""
    rng = np.random.default_rng(seed)
    labels = np.arange(COUNT, dtype=np.int32) % len(CLASSES)
    pixels = rng.normal(60, 15, (COUNT, *shape))
    height, width = shape[0] // 2, shape[1] // 2
    for image, label in zip(pixels, labels, strict=True):
        y, x = height * (label // 2), width * (label % 2)
        image[y : y + height, x : x + width] += rng.normal(120, 20)
    return _frozen(name, pixels, labels)


def _dark(shape: tuple[int, int, int]) -> Images:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, len(CLASSES), COUNT, dtype=np.int32)
    return _frozen("dark", rng.normal(6, 2, (COUNT, *shape)), labels)


def _alike(images: Images) -> Images:
    rng = np.random.default_rng(6)
    one = images.read(0, 1).astype(np.float64)
    assert images.labels is not None
    return _frozen("alike", one + rng.normal(0, 1, (COUNT, *images.shape)), images.labels)


def _frozen(name: str, pixels: np.ndarray, labels: np.ndarray) -> Images:
    array = np.clip(pixels, 0, 255).astype(np.uint8)
    array.flags.writeable = False
    return ArrayImages(name, array, labels, CLASSES)
