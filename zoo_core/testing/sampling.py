"""Checks of what comes out of a trained model."""

import numpy as np

from zoo_core.testing.results import CheckFailed, told
from zoo_core.testing.subject import COUNT, Subject, needs

LEVEL = 1 / 127.5
"""The width of one of 256 levels, images in [-1, 1]."""

ROUNDING = 1e-4
"""What float32 may round off an image in [-1, 1] on the way through a deep network."""


def allowed(images: np.ndarray) -> float:
    """What images may differ by that should be these (N, H, W, C): one level, and a hundredth of what they differ by
    among themselves, since those of a hardly trained model are all alike; but always what is rounded off."""
    return max(min(LEVEL, 0.01 * _spread(images)), ROUNDING)


def _spread(images: np.ndarray) -> float:
    return float(np.abs(images - images[:1]).max())


def samples_are_images(subject: Subject) -> None:
    """`count` images (N, H, W, C): of a floating type, finite, in [-1, 1]; and of the right shape wherever the networks
    can be built."""
    needs(subject.images)
    for sizes, refusal in subject.attempts.items():
        if refusal or sizes == subject.sizes:
            continue
        expected = str((COUNT, *sizes.images))
        try:
            seen = str(subject.shape_made(sizes))
        except Exception as error:
            seen = told(error)
        if seen != expected:
            raise CheckFailed(
                f"samples of shape {expected} where the data is {sizes}",
                seen,
                "let them follow the shapes of the networks, or raise zoo_core.UnsupportedShape in `networks`",
            )


def a_seed_decides_the_samples(subject: Subject) -> None:
    """The same seed gives the same images, and another seed others, unless an input decides them."""
    images = subject.images
    again, other = (subject.draw(np.arange(COUNT), seed, subject.asked) for seed in (1, 2))
    if not np.array_equal(images, again):
        raise CheckFailed(
            "the same images from the same seed",
            f"a difference of up to {np.abs(images - again).max():.2g}",
            "draw all noise from `tools`",
        )
    if subject.spec.generates and np.array_equal(images, other):
        raise CheckFailed(
            "other images from another seed", "the same ones from seeds 1 and 2", "draw all noise from `tools`"
        )


def samples_do_not_depend_on_the_batch(subject: Subject) -> None:
    """Image 3 of a seed is image 3 whatever it is drawn with, to what is `allowed`."""
    images = subject.images
    for first in range(0, COUNT - 1, 2):
        numbers = np.arange(first, first + 2)
        pair = subject.draw(numbers, 1, subject.asked[numbers])
        difference = np.abs(pair - images[numbers]).max()
        if difference > allowed(images):
            raise CheckFailed(
                f"images {first} and {first + 1} to be the same in a batch of 2 and of {COUNT}",
                f"a difference of {difference:.2g} in [-1, 1], with up to {_spread(images):.2g} between images",
                "call networks with training=False, compute no mean over the batch, and draw noise of shape (count, …)",
            )


CHECKS = (samples_are_images, a_seed_decides_the_samples, samples_do_not_depend_on_the_batch)
