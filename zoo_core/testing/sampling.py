"""Checks of what comes out of a trained model."""

import numpy as np

from zoo_core.testing.results import CheckFailed
from zoo_core.testing.subject import COUNT, Subject, needs

LEVEL = 1 / 127.5
"""The width of one of 256 levels, images in [-1, 1]."""


def samples_are_images(subject: Subject) -> None:
    """`count` images (N, H, W, C): of a floating type, finite, in [-1, 1]."""
    needs(subject.images)


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
    """Image 3 of a seed is image 3 whatever it is drawn with: to one level of 256, and to a hundredth of what images
    differ by, since those of a hardly trained model are all alike."""
    images = subject.images
    spread = np.abs(images - images[:1]).max()
    allowed = max(min(LEVEL, 0.01 * spread), 1e-6)
    for first in range(0, COUNT - 1, 2):
        numbers = np.arange(first, first + 2)
        pair = subject.draw(numbers, 1, subject.asked[numbers])
        difference = np.abs(pair - images[numbers]).max()
        if difference > allowed:
            raise CheckFailed(
                f"images {first} and {first + 1} to be the same in a batch of 2 and of {COUNT}",
                f"a difference of {difference:.2g} in [-1, 1], with up to {spread:.2g} between images",
                "call networks with training=False, compute no mean over the batch, and draw noise of shape (count, …)",
            )


CHECKS = (samples_are_images, a_seed_decides_the_samples, samples_do_not_depend_on_the_batch)
