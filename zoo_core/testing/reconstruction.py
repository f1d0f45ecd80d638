"""Checks of models that encode and decode images."""

from collections.abc import Callable

import numpy as np

from zoo_core.models.pixels import scale
from zoo_core.testing.results import CheckFailed, CheckSkipped
from zoo_core.testing.subject import COUNT, Subject

ROUNDING = 1e-3
"""Of the largest latent."""


def latents_are_decided_by_their_image(subject: Subject) -> None:
    """With the task `reconstruct`, `encode` gives latents (N, ...): of a floating type, finite, and the same whatever
    the noise and the images beside it."""
    encode = _encoder(subject)
    latents = encode(slice(COUNT), 1)
    if latents.shape[:1] != (COUNT,) or not np.issubdtype(latents.dtype, np.floating):
        seen = f"{latents.dtype} {latents.shape}"
        raise CheckFailed(f"latents of {COUNT} images, floats ({COUNT}, …)", seen, "give each image its latents")
    if not np.isfinite(latents).all():
        seen = f"{np.isnan(latents).sum()} NaN and {np.isinf(latents).sum()} infinite of {latents.size} values"
        raise CheckFailed("finite latents", seen, "look for a logarithm, a root or a quotient of 0 in `encode`")
    allowed = ROUNDING * np.abs(latents).max() + 1e-6
    for chosen, seed, mend in (
        (slice(COUNT), 2, "draw no noise in `encode`: give the mean of a stochastic encoder"),
        (slice(0, 2), 1, "call networks with training=False, and compute no mean over the batch"),
        (slice(2, 4), 1, "call networks with training=False, and compute no mean over the batch"),
    ):
        difference = np.abs(encode(chosen, seed) - latents[chosen]).max()
        if difference > allowed:
            what = "whatever the noise" if seed == 2 else f"in batches of 2 and of {COUNT}"
            raise CheckFailed(f"the same latents {what}", f"a difference of up to {difference:.2g}", mend)


def latents_become_images(subject: Subject) -> None:
    """With the task `reconstruct`, `decode` makes images of the encoded ones: as many, of their shape, of a floating
    type, finite, in [-1, 1]."""
    latents = _encoder(subject)(slice(COUNT), 1)
    decode = subject.compiled(lambda model, networks, tools, given: model.decode(networks, given))
    images, expected = decode(1, np.arange(COUNT), latents), (COUNT, *subject.shape)
    if images.shape != expected or not np.issubdtype(images.dtype, np.floating):
        seen = f"{images.dtype} {images.shape}"
        raise CheckFailed(f"decoded images, floats {expected}", seen, "return images (N, H, W, C) in [-1, 1]")
    if not (np.abs(images) <= 1 + 1e-6).all():  # so put, NaN is found too
        seen = f"values in [{images.min():.3g}, {images.max():.3g}]"
        raise CheckFailed("decoded images in [-1, 1]", seen, "end the network in a bounded activation, such as tanh")


def _encoder(subject: Subject) -> Callable[[slice, int], np.ndarray]:
    """`encode(chosen, seed)`: the latents of some of the training images."""
    if not subject.spec.reconstructs:
        raise CheckSkipped("the model has not the task 'reconstruct'")
    run = subject.compiled(lambda model, networks, tools, images: model.encode(networks, scale(images)))
    numbers, images = np.arange(COUNT), subject.data.images("train")
    return lambda chosen, seed: run(seed, numbers[chosen], images[chosen])


CHECKS = (latents_are_decided_by_their_image, latents_become_images)
