"""Images changed through their latents: towards classes, and by what other images show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo_core.errors import UsageError, ZooError, unknown
from zoo_core.evaluation.psnr import psnr_of
from zoo_core.features import load_features
from zoo_core.features.base import ClassifyingNetwork
from zoo_core.lists import as_list
from zoo_core.operations.inpainting import one_label
from zoo_core.operations.reading import read_images
from zoo_core.operations.writing import check_file
from zoo_core.progress import Progress
from zoo_core.sampling.grids import grid, write_gif, write_png
from zoo_core.sampling.latents import LatentSpace
from zoo_core.sampling.projection import Projector
from zoo_core.sampling.sampler import Sampler
from zoo_core.training.selection import Rule

DRAWN = 8192
"""Images that are classified, to find the mean latents of a class."""

DRAWN_SEED = 0
FEWEST = 32
"""Of them in a class: the mean of fewer is mostly chance."""

STRENGTH, STRONGEST, FRAMES = 2.0, 1000, 9

Images = str | Path | np.ndarray
"""A file, a folder of files, or uint8 (N, H, W, C)."""


@dataclass(frozen=True, eq=False)
class Edit:
    """An image and what it was changed into.

    Args:
        image: as it was given, in the model's size, uint8 (H, W, C); of several, the first.
        frames: uint8 (F, H, W, C), the projection of the image first, then changed more and more.
        latents: of the frames, float32 (F, D).
        strengths: of the change in each frame, (F,).
        psnr: of the projection with the image, in dB, at most 100; None for the mean of several.
    """

    image: np.ndarray
    frames: np.ndarray
    latents: np.ndarray
    strengths: np.ndarray
    psnr: float | None

    def strip(self) -> np.ndarray:
        """The image, then the frames, in a row: uint8 (H', W', C)."""
        return grid(np.concatenate([self.image[None], self.frames]), 1 + len(self.frames))


def edit(
    run: str | Path,
    image: Images,
    out: str | Path | None = None,
    *,
    add: Images | Sequence[Images] = (),
    remove: Images | Sequence[Images] = (),
    strength: float | None = None,
    frames: int | None = None,
    label: str | None = None,
    weights: str | Path | None = None,
    seed: int = 0,
    checkpoint: Rule = "final",
    progress: Progress | None = None,
) -> Edit:
    """Find the latents of an image, add and subtract others, and make images of the sums.

    With nothing to add and to remove, that is the projection of the image into the latent space. Otherwise frame k is
    made of z + sₖ·(Σ added − Σ removed), sₖ from 0 to the strength in equal steps. What is added or removed is

    - a class: the mean of latents whose images a classifier takes for that class. The difference of two such means is
      the direction from one class to the other.
    - an image, or a folder of images: the mean of their latents, as in Radford et al. 2015, "Unsupervised
      Representation Learning with Deep Convolutional Generative Adversarial Networks", section 6.3.2: smiling woman −
      neutral woman + neutral man = smiling man, each the mean of three.

    Args:
        run: of a model that makes images of latent vectors, such as a GAN or a VAE.
        image: a file, or a folder for the mean of several, brought to the model's size; or uint8 (N, H, W, C).
        out: what to write: a .png, the image and all frames in a row, or a .gif, the frames.
        add, remove: names of classes, and images as above, or one of them. What exists as a path is one: "./8".
        strength: of the change in the last frame, by default 2; 1 is the plain sum, and negative ones, down to -1,000,
            go the other way.
        frames: how many, at least 2, by default 9; a projection is one.
        label: the class of the image, and of those that are added and removed, for a conditional model.
        weights: of a classifier (`zoo classifier train`), whose classes are then those that there are; by default the
            one that is shipped for the data set.
        seed: of the starts of the search for latents.
        checkpoint: of the run, the "final" one or the "best".
        progress: told of the steps that are done.

    Raises:
        UsageError: for models without such latents; where there is no classifier, or no such class or file; for arrays
            that are no such images; for a strength out of bounds; for what belongs to a change or to classes where
            there are none; for an `out` that is there already or can't be written.
        ZooError: where files can't be read, the model hardly makes images of a class, or the disk is full.
    """
    if out is not None:
        check_file(Path(out), (".png", ".gif"))
    signed = [*((1, term) for term in _terms(add)), *((-1, term) for term in _terms(remove))]
    _check(image, [term for _, term in signed], strength, frames, weights)
    sampler = Sampler.load(Path(run), checkpoint)
    given_label = one_label(sampler, label)
    given = _read(image, sampler)
    terms = [(sign, _read(term, sampler) if _are_images(term) else str(term)) for sign, term in signed]
    changer = _Changer(LatentSpace(sampler), given_label, seed, progress)
    classes = [term for _, term in terms if isinstance(term, str)]
    means = class_latents(changer.space, classes, Path(weights) if weights else None) if classes else {}
    start = changer.latents(given)
    change = np.zeros_like(start)
    for sign, term in terms:
        change += sign * (means[term] if isinstance(term, str) else changer.latents(term))
    strengths = np.linspace(0, STRENGTH if strength is None else strength, frames or FRAMES) if terms else np.zeros(1)
    latents = (start + strengths[:, None] * change).astype(np.float32)
    made = changer.images(latents)
    psnr = float(psnr_of(given, made[:1])[0]) if len(given) == 1 else None
    edited = Edit(given[0], made, latents, strengths, psnr)
    if out is not None and Path(out).suffix.lower() == ".gif":
        write_gif(Path(out), edited.frames)
    elif out is not None:
        write_png(Path(out), edited.strip())
    return edited


def _terms(given: Images | Sequence[Images]) -> list[Images]:
    return [given] if isinstance(given, np.ndarray) else as_list(given)


def _check(
    image: Images, terms: Sequence[Images], strength: float | None, frames: int | None, weights: str | Path | None
) -> None:
    """Raises UsageError for what can be known to be wrong without the model."""
    if any(isinstance(term, str) and not term for term in (image, *terms)):
        raise UsageError("Expected classes, files or folders, received an empty name.", "Name one, or leave it out.")
    if not terms and not (strength is None and frames is None):
        raise UsageError(
            "Strength and frames are those of a change, and nothing is added or removed.", "Add: --add CLASS|PATH"
        )
    if frames is not None and frames < 2:
        raise UsageError(f"At least 2 frames are needed, received {frames}.")
    if strength is not None and not abs(strength) <= STRONGEST:
        raise UsageError(f"The strength should lie between -{STRONGEST:,} and {STRONGEST:,}, received {strength:g}.")
    if weights is not None and all(map(_are_images, terms)):
        raise UsageError(
            f"The classifier of '{weights}' would tell classes, and none is added or removed.", "Add: --add CLASS"
        )


class _Changer:
    """Between images and latents, of one class in a conditional model."""

    def __init__(self, space: LatentSpace, label: np.ndarray | None, seed: int, progress: Progress | None) -> None:
        self.space = space
        self._project = Projector(space)
        self._label = label
        self._seed = seed
        self._progress = progress

    def latents(self, images: np.ndarray) -> np.ndarray:
        """The mean latents (D,) of images, uint8 (N, H, W, C)."""
        return self._project(images, None, self._labels(len(images)), self._seed, self._progress).mean(axis=0)

    def images(self, latents: np.ndarray) -> np.ndarray:
        return self.space.images(latents, self._labels(len(latents)))

    def _labels(self, count: int) -> np.ndarray | None:
        return None if self._label is None else np.repeat(self._label, count)


def _are_images(term: Images) -> bool:
    return isinstance(term, np.ndarray) or Path(term).exists()


def _read(images: Images, sampler: Sampler) -> np.ndarray:
    """As the model takes them, uint8 (N, H, W, C)."""
    if not isinstance(images, np.ndarray):
        return read_images(images, sampler.data.image_shape).images
    sampler.check_images(images)
    return images


def class_latents(space: LatentSpace, wanted: Sequence[str], weights: Path | None = None) -> dict[str, np.ndarray]:
    """The mean latents (D,) of the samples that a classifier takes for each of these classes.

    Args:
        weights: of the classifier; by default the one that is shipped for the model's data set.

    Raises:
        UsageError: for a conditional model, where there is no classifier, and for a class that it does not know.
        ZooError: for a class of which the model hardly makes any.
    """
    sampler = space.sampler
    if sampler.spec.conditional:
        raise UsageError(
            f"'{wanted[0]}' is no file or folder, and the classes of model '{sampler.spec.name}' are no part of its "
            "latents, since it is told them.",
            "Add and remove images, or see another class: zoo sample --label",
        )
    try:
        network = load_features("classifier", sampler.data, weights)
    except UsageError as error:
        raise UsageError(
            f"'{wanted[0]}' is no file or folder, and to be a class it needs a classifier. {error.message}", error.hint
        ) from error
    assert isinstance(network, ClassifyingNetwork)
    for name in wanted:
        if name not in network.classes:
            raise unknown("class or path", name, network.classes)
    latents = space.draw(DRAWN, DRAWN_SEED)
    guesses = network.logits(network.features(space.images(latents))).argmax(axis=1)
    means = {}
    for name in wanted:
        members = latents[guesses == network.classes.index(name)]
        if len(members) < FEWEST:
            raise ZooError(
                f"Of {DRAWN:,} images that the model made, {len(members)} are of class '{name}': too few to tell its "
                f"latents; at least {FEWEST} are needed.",
                "Train the model for longer, or add images of that class in place of its name.",
            )
        means[name] = members.mean(axis=0)
    return means
