"""Training a classifier on any labelled data set. The same data set and recipe give the same weights on a CPU."""

import time
from collections.abc import Callable, Iterator

import keras
import numpy as np

from zoo_core.data import Dataset
from zoo_core.errors import UnsupportedShape, UsageError
from zoo_core.features.network import LARGEST, SMALLEST, build_network, predict
from zoo_core.features.storage import MOST_CLASSES, ClassifierInfo, Recipe
from zoo_core.specs import DataSpec

CHECKPOINTS = 10


def train_classifier(
    data: Dataset, recipe: Recipe, report: Callable[[dict[str, float]], None]
) -> tuple[keras.Model, ClassifierInfo]:
    """Train on the training split; of `CHECKPOINTS` evenly spaced ones, keep that which does best on the validation
    split, the latest of equals; measure it on the test split.

    Adam with a cosine decay minimizes the cross-entropy of randomly shifted and rotated images.

    Args:
        report: called after each step with its number `step`, from 1, the `seconds` since training began,
            `images_per_second` and the loss in nats, `classifier/loss`.

    Raises:
        UsageError: for a data set without labels, with a single class, with inputs beside its images, or of images that
            the network can't take.
    """
    _check(data.spec)
    shape = data.spec.image_shape
    network = build_network(shape, len(data.spec.classes), recipe.seed)
    trainee = keras.Model(network.input, network.outputs[1])
    trainee.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.steps)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    images, labels = data.images("train"), np.asarray(data.labels("train"))
    random = np.random.default_rng(recipe.seed)
    start = time.perf_counter()
    best, best_weights = -1.0, _weights(network)
    every = max(1, recipe.steps // CHECKPOINTS)
    for step, chosen in enumerate(_batches(len(images), recipe, random), start=1):
        loss = trainee.train_on_batch(augment(images[chosen], recipe, random), labels[chosen])
        seconds = time.perf_counter() - start
        rate = step * len(chosen) / seconds
        report({"step": step, "seconds": seconds, "images_per_second": rate, "classifier/loss": float(loss)})
        if step == recipe.steps or step % every == 0:
            accuracy = measure_accuracy(network, data, "validation")
            if accuracy >= best:
                best, best_weights = accuracy, _weights(network)
    network.set_weights(best_weights)
    return network, ClassifierInfo(
        data=data.spec.name,
        content_hash=data.spec.content_hash,
        classes=data.spec.classes,
        image_shape=shape,  # type: ignore[arg-type]  # a data set has 1 or 3 channels
        validation_accuracy=best,
        test_accuracy=measure_accuracy(network, data, "test"),
        recipe=recipe,
    )


def augment(images: np.ndarray, recipe: Recipe, random: np.random.Generator) -> np.ndarray:
    """Shift and rotate each image at random about its centre, bilinearly, the edge repeated outwards.

    Args:
        images: (N, H, W, C) uint8.

    Returns:
        (N, H, W, C) float32 in [0, 255].
    """
    count, height, width, _ = images.shape
    angle = np.radians(random.uniform(-recipe.rotation, recipe.rotation, count))
    shift_x, shift_y = random.uniform(-recipe.shift, recipe.shift, (2, count)) * [[width], [height]]
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros(count)
    # Output pixel (x, y) is input pixel R (x - centre, y - centre) + centre + shift.
    offset_x = centre_x + shift_x - cos * centre_x + sin * centre_y
    offset_y = centre_y + shift_y - sin * centre_x - cos * centre_y
    transform = np.stack([cos, -sin, offset_x, sin, cos, offset_y, zero, zero], axis=1)  # (N, 8)
    moved = keras.ops.image.affine_transform(
        images.astype(np.float32),
        transform.astype(np.float32),
        interpolation="bilinear",
        fill_mode="nearest",
        data_format="channels_last",
    )
    return keras.ops.convert_to_numpy(moved)


def measure_accuracy(network: keras.Model, data: Dataset, split: str) -> float:
    """The share of a split's images that the network labels rightly, in [0, 1]."""
    return float(np.mean(predict(network, data.images(split))[1].argmax(axis=1) == data.labels(split)))


def _weights(network: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable.value) for variable in network.weights]


def _batches(count: int, recipe: Recipe, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Indices of `recipe.steps` batches, each epoch in a new order, without its incomplete last batch."""
    size = min(recipe.batch_size, count)
    order = np.empty(0, np.intp)
    for _ in range(recipe.steps):
        if len(order) < size:
            order = random.permutation(count)
        yield order[:size]
        order = order[size:]


def _check(spec: DataSpec) -> None:
    height, width, _ = spec.image_shape
    if not spec.labelled or not 2 <= len(spec.classes) <= MOST_CLASSES:
        raise UsageError(
            f"A classifier needs images of 2 to {MOST_CLASSES:,} classes, and '{spec.name}' has {len(spec.classes)}.",
            "In a folder of images, one folder for each class gives the labels.",
        )
    if "inputs" in spec.fields:
        raise UsageError(
            f"A classifier learns from images alone, and those of '{spec.name}' have inputs, which it would not see.",
            "Leave ~DEGRADATION out, or prepare the images without --inputs.",
        )
    if not SMALLEST <= min(height, width) <= max(height, width) <= LARGEST:
        raise UnsupportedShape(
            f"A classifier takes sides of {SMALLEST} to {LARGEST} pixels, received {height}x{width}.",
            f"Another size is asked for by its suffix, such as {spec.name.partition('@')[0]}@32.",
        )
