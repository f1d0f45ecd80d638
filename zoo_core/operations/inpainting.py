"""Images of which a part is missing, completed by a model; known pixels stay exactly as they are."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from zoo_core.data.decoding import FORMATS, attempt_all, decode, unreadable
from zoo_core.errors import UsageError
from zoo_core.operations.reading import in_channels
from zoo_core.operations.sampling import in_turn
from zoo_core.operations.writing import check_file
from zoo_core.progress import Progress
from zoo_core.sampling.grids import write_png
from zoo_core.sampling.latents import LatentSpace
from zoo_core.sampling.projection import Projector, contextual_weights
from zoo_core.sampling.sampler import TO_LEVELS, Sampler
from zoo_core.training.selection import Rule

KNOWN_BELOW = 128
"""Levels of a mask: what is darker is known, what is as light or lighter is to be filled."""

KEPT = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
"""Pillow's modes that become 8-bit gray or RGB without a change."""

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels, from the upper left corner."""


@dataclass(frozen=True, eq=False)
class Inpainting:
    """A completed image.

    Args:
        image: uint8 (H, W, C), its known pixels those of the original.
        known: bool (H, W).
        way: "model" where the model itself completes images; "latents" where the latents were looked for whose image
            agrees with the known pixels, and the unknown ones were taken from it.
    """

    image: np.ndarray
    known: np.ndarray
    way: Literal["model", "latents"]


def inpaint(
    run: str | Path,
    image: str | Path | np.ndarray,
    mask: str | Path | np.ndarray | None = None,
    *,
    box: Box | None = None,
    out: str | Path | None = None,
    label: str | None = None,
    seed: int = 0,
    checkpoint: Rule = "final",
    progress: Progress | None = None,
) -> Inpainting:
    """Complete an image of which a part is unknown.

    A model with the task `inpaint` does it itself. PixelRNN does it pixel by pixel, each given those before it in its
    row and the rows above: what is known below a hole, or to the right of it, is not looked at. For any other that
    makes images of latent vectors, such as a GAN or a VAE, the vector is looked for whose image agrees with the known
    pixels around the unknown ones (Yeh et al. 2017, see `zoo_core.sampling.projection`), and the unknown ones are taken
    from that image. The paper then blends the two by Poisson's equation, which moves levels near the seam; here nothing
    is blended.

    Args:
        run: of a model with the task `inpaint` or `generate`.
        image: a file in 8-bit gray or RGB, or uint8 (H, W, C), of the size that the model was trained on.
        mask: a file as large as the image, white where a pixel is to be filled, black where it is known; or bool
            (H, W), True where a pixel is to be filled.
        box: in place of a mask, the rectangle to be filled.
        out: a PNG to write.
        label: the class, for a conditional model that does not complete images itself.
        seed: of the noise and the starts: another one gives another answer.
        checkpoint: of the run, the "final" one or the "best".
        progress: told of the steps that are done.

    Raises:
        UsageError: for images and masks that don't fit, models that can do neither, or an `out` that is there already.
        ZooError: where a file can't be read, or the disk is full.
    """
    if out is not None:
        check_file(Path(out), (".png",))
    if mask is None and box is None:
        raise UsageError("What is to be filled must be said by either a mask or a box.", "Add: --mask FILE")
    if mask is not None and box is not None:
        raise UsageError("What is to be filled must be said by a mask or a box, received both.", "Leave one out.")
    sampler = Sampler.load(Path(run), checkpoint)
    pixels = _image(image, sampler.data.image_shape)
    known = _around(box, pixels.shape[:2]) if box is not None else _known(mask, pixels.shape[:2])
    if known.all() or not known.any():
        seen = "all" if known.all() else "none"
        raise UsageError(
            f"Some pixels should be known and some unknown, but {seen} are known.", "In a mask white is to be filled."
        )
    completed = complete(sampler, pixels, known, seed, label, progress)
    if out is not None:
        write_png(Path(out), completed.image)
    return completed


def complete(
    sampler: Sampler,
    image: np.ndarray,
    known: np.ndarray,
    seed: int = 0,
    label: str | None = None,
    progress: Progress | None = None,
) -> Inpainting:
    """As `inpaint`, of uint8 (H, W, C) and bool (H, W) with some True and some not."""
    if sampler.spec.inpaints:
        if label is not None:
            raise UsageError(
                f"Model '{sampler.spec.name}' completes images itself, without being told a class.",
                "Leave --label out.",
            )
        return Inpainting(sampler.inpaint(image[None], known[None], seed)[0], known, "model")
    labels = one_label(sampler, label)
    space = LatentSpace(sampler)
    latents = Projector(space)(image[None], contextual_weights(known[None]), labels, seed, progress)
    made = space.images(latents, labels)[0]
    return Inpainting(np.where(known[..., None], image, made), known, "latents")


def one_label(sampler: Sampler, label: str | None) -> np.ndarray | None:
    """The label of one image, int32 (1,); None for a model that ignores labels.

    Raises:
        UsageError: for a conditional model without a label, a class that there is not, or a label in any other model.
    """
    if sampler.spec.conditional and label is None:
        raise UsageError(
            f"Model '{sampler.spec.name}' is conditional: say of which class the image is.",
            f"Add --label, one of: {', '.join(sampler.data.classes)}.",
        )
    return in_turn(sampler, [label] if label is not None else [], 1)


def _image(image: str | Path | np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """An image of exactly this shape."""
    pixels = _array(image) if isinstance(image, np.ndarray) else _unchanged(Path(image))
    if pixels.shape[:2] != shape[:2]:
        raise UsageError(
            f"The model completes images of {_size(shape)} pixels, received {_size(pixels.shape)}.",
            "Bring the image and the mask to that size: what is resized would not stay exactly as it is.",
        )
    fitting = in_channels(pixels, shape[2])
    if pixels.shape[2] > shape[2] and not np.array_equal(np.broadcast_to(fitting, pixels.shape), pixels):
        raise UsageError("The model's images are gray, and this one has colours.", "Bring it to gray first.")
    return fitting


def _array(image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise UsageError(
            f"Expected an image, uint8 (H, W, C) with C 1 or 3, received {image.dtype} {image.shape}.", TO_LEVELS
        )
    return image


def _unchanged(path: Path) -> np.ndarray:
    """As `_read`, of a file whose pixels are not changed by that."""
    image = _read(path)
    (lost,) = attempt_all(_lost, [path])
    if lost:
        raise UsageError(
            f"Known pixels stay exactly as they are in 8-bit gray or RGB only, and '{path}' has {lost}.",
            "Bring it to 8-bit gray or RGB first.",
        )
    return image


def _lost(path: Path) -> str:
    """What of an image file `decode` changes; "" for nothing."""
    with Image.open(path, formats=FORMATS) as file:
        if ";16" in str(file.tile):  # the mode does not tell: colours of 16 bits have those of 8
            return "16 bits"
        if file.mode not in KEPT:
            return f"pixels of mode {file.mode}"
        if file.has_transparency_data and file.convert("RGBA").getchannel("A").getextrema() != (255, 255):
            return "transparent pixels"
        return ""


def _known(mask: str | Path | np.ndarray | None, size: tuple[int, ...]) -> np.ndarray:
    if isinstance(mask, np.ndarray):
        if mask.ndim != 2:
            raise UsageError(f"Expected a mask, bool (H, W), received {mask.dtype} {mask.shape}.")
        known = ~mask.astype(bool)
    else:
        assert mask is not None  # the caller has looked
        known = in_channels(_read(Path(mask)), 1)[..., 0] < KNOWN_BELOW
    if known.shape != size:
        raise UsageError(
            f"The mask should be as large as the image, {_size(size)} pixels, received {_size(known.shape)}."
        )
    return known


def _around(box: Box, size: tuple[int, ...]) -> np.ndarray:
    x, y, width, height = box
    if x < 0 or y < 0 or width < 1 or height < 1 or x + width > size[1] or y + height > size[0]:
        raise UsageError(
            f"The box should lie in the image of {_size(size)} pixels, received x,y,w,h = {x},{y},{width},{height}."
        )
    known = np.ones(size, bool)
    known[y : y + height, x : x + width] = False
    return known


def _read(path: Path) -> np.ndarray:
    """One image file: uint8 (H, W, C), C 1 or 3."""
    if not path.is_file():
        raise UsageError(f"There is no file '{path}'.", "Check the path.")
    (image,) = attempt_all(partial(decode, size=None), [path])
    if isinstance(image, Exception):
        raise unreadable([(path, image)], 1, "Replace it.")
    return image


def _size(shape: tuple[int, ...]) -> str:
    """Width and height, as people say it."""
    return f"{shape[1]}x{shape[0]}"
