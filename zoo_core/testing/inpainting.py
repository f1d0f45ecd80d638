"""The check of models that complete images themselves."""

import numpy as np

from zoo_core.models.pixels import scale
from zoo_core.testing.results import CheckFailed, CheckSkipped
from zoo_core.testing.sampling import LEVEL
from zoo_core.testing.subject import COUNT, Subject


def known_pixels_stay_where_images_are_inpainted(subject: Subject) -> None:
    """A model with the task `inpaint` gives whole images: known pixels as they were, to half a level; all of them
    finite and in [-1, 1]; the same from the same seed, in batches of 2 and of 5, to one level."""
    if not subject.spec.inpaints:
        raise CheckSkipped("the model has not the task 'inpaint'")
    inpaint = subject.compiled(
        lambda model, networks, tools, images, mask: model.inpaint(networks, scale(images) * mask, mask, tools)
    )
    images, mask = subject.data.images("train")[:COUNT], _masks(subject.shape[:2])
    numbers = np.arange(COUNT)
    made = inpaint(1, numbers, images, mask)

    if made.shape != images.shape or not np.issubdtype(made.dtype, np.floating):
        seen = f"{made.dtype} {made.shape}"
        raise CheckFailed(f"whole images, floats {images.shape}", seen, "return all pixels, in [-1, 1]")
    if not (np.abs(made) <= 1 + 1e-6).all():
        seen = f"values in [{made.min():.3g}, {made.max():.3g}]"
        raise CheckFailed("inpainted images in [-1, 1]", seen, "end the network in a bounded activation, such as tanh")
    moved = (np.abs(made - (images / 127.5 - 1)) * mask).max()
    if moved > LEVEL / 2:
        seen = f"one of them moved by {moved:.2g} in [-1, 1]"
        raise CheckFailed("known pixels as they were", seen, "return `ops.where(mask > 0, images, made)`")
    for chosen in (slice(None), slice(0, 2), slice(2, 4)):
        again = inpaint(1, numbers[chosen], images[chosen], mask[chosen])
        difference = np.abs(again - made[chosen]).max()
        if difference > LEVEL:
            raise CheckFailed(
                f"image {numbers[chosen][0]} to be inpainted alike from the same seed, whatever is beside it",
                f"a difference of {difference:.2g} in [-1, 1]",
                "draw all noise from `tools`, of shape (count, …), and compute no mean over the batch",
            )


def _masks(size: tuple[int, int]) -> np.ndarray:
    """Float32 (COUNT, H, W, 1), 1 where a pixel is known: none, the upper half, scattered ones, but a box, and all."""
    height, width = size
    known = np.zeros((COUNT, height, width, 1), "float32")
    known[1, : height // 2] = 1
    known[2] = np.random.default_rng(0).integers(0, 2, (height, width, 1))
    known[3:] = 1
    known[3, height // 4 : height // 2, width // 4 : width // 2] = 0
    return known


CHECKS = (known_pixels_stay_where_images_are_inpainted,)
