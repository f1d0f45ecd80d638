"""What a trained model makes for its scores: images, reconstructions, translations, likelihoods; kept on disk, made
once."""

from collections.abc import Iterator, Sequence

import numpy as np

from zoo_core.data import Dataset
from zoo_core.errors import UsageError
from zoo_core.evaluation.images import CHUNK, ArrayImages, Images
from zoo_core.evaluation.metric import Likelihoods
from zoo_core.evaluation.spool import spool
from zoo_core.models.tasks import Likelihood
from zoo_core.sampling.sampler import Sampler


def generate(sampler: Sampler, data: Dataset, count: int, seed: int) -> Images:
    """Images number 0 to `count` of this seed; for a conditional model in the proportions of the classes in its
    training images.

    Args:
        data: what the model was trained on.
        count: at least 2.

    Raises:
        UsageError: for fewer.
    """
    _check(count)
    labels = data.labels("train") if sampler.spec.conditional else None
    if labels is not None:
        labels = np.resize(np.random.default_rng(seed).permutation(labels), count)

    def part(start: int) -> np.ndarray:
        stop = min(start + CHUNK, count)
        return sampler.generate(stop - start, seed, None if labels is None else labels[start:stop], first=start)

    images = spool(part(start) for start in range(0, count, CHUNK))
    classes = () if labels is None else sampler.data.classes
    return ArrayImages(f"{sampler.spec.name}, seed {seed}", images, labels, classes)


def reconstruct(sampler: Sampler, originals: Images) -> Images:
    """Each image through encoder and decoder."""
    images = spool(sampler.reconstruct(chunk) for chunk in originals.chunks())
    return ArrayImages(f"{originals.name} through {sampler.spec.name}", images)


def transform(sampler: Sampler, data: Dataset, splits: Sequence[str], count: int, seed: int) -> Images:
    """What the model makes of the inputs of these splits, one split after the other; of the first `count` at most.

    Args:
        count: at least 2.
        seed: of the noise where the model takes any.

    Raises:
        UsageError: for fewer; where the data set has no inputs, or of another shape than those that the model was
            trained on.
    """
    _check(count)
    if data.inputs(splits[0]) is None:
        raise UsageError(
            f"Model '{sampler.spec.name}' makes images from inputs, and '{data.name}' has none.",
            f"Name a set that has them: --against {sampler.data.name}",
        )

    def parts() -> Iterator[np.ndarray]:
        done = 0
        for split in splits:
            inputs = data.inputs(split)
            assert inputs is not None  # all splits have them, or none has
            for start in range(0, min(len(inputs), count - done), CHUNK):
                made = sampler.transform(inputs[start : start + min(CHUNK, count - done)], seed, first=done)
                done += len(made)
                yield made

    return ArrayImages(f"{data.name}#{'+'.join(splits)} through {sampler.spec.name}", spool(parts()))


def _check(count: int) -> None:
    if count < 2:
        raise UsageError(f"At least 2 images must be generated, received {count}.")


def log_likelihoods(sampler: Sampler, declared: Likelihood, images: Images, seed: int) -> Likelihoods:
    """What the model says of each image.

    Args:
        seed: of the noise where it is a bound by sampling.
    """
    nats: list[np.ndarray] = []
    for chunk in images.chunks():
        nats.append(sampler.log_likelihood(chunk, seed, first=sum(map(len, nats))))
    return Likelihoods(np.concatenate(nats), declared.kind, declared.pixels)
