"""Images from noise: by number and seed, truncated, of every class, and in between."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from zoo_core.errors import UsageError, unknown
from zoo_core.lists import as_list
from zoo_core.sampling.latents import WAYS, LatentSpace, Way, between, truncated
from zoo_core.sampling.sampler import Sampler
from zoo_core.training.selection import Rule


def sample(
    run: str | Path,
    count: int = 64,
    *,
    seed: int = 0,
    labels: str | Sequence[str] = (),
    truncation: float | None = None,
    checkpoint: Rule = "final",
) -> np.ndarray:
    """Draw images from a trained model. Image number n of a seed is the same, to one level, however many are drawn.

    Args:
        run: of a model with the task `generate`.
        labels: names of classes, or one, which a conditional model goes through in turn; by default all of them.
        truncation: ψ > 0: noise as it is between −ψ and ψ, the truncation trick of Brock et al. 2019: less variety, and
            in many models better images. See `zoo_core.sampling.latents.truncated`.
        checkpoint: of the run, the "final" one or the "best".

    Returns:
        uint8 (count, H, W, C).

    Raises:
        UsageError: for a model that does not generate; for no images; for a class that there is not; for truncation of
            a model whose noise is not one normal vector.
    """
    sampler = Sampler.load(Path(run), checkpoint)
    return draw(sampler, count, seed, in_turn(sampler, labels, count), truncation)


def interpolate(
    run: str | Path,
    count: int = 6,
    frames: int = 10,
    *,
    way: Way = "spherical",
    seed: int = 0,
    labels: str | Sequence[str] = (),
    truncation: float | None = None,
    checkpoint: Rule = "final",
) -> np.ndarray:
    """Go through the latents from image to image of a seed, in equal steps.

    Args:
        run: of a model with the task `generate` that makes an image of one normal vector.
        count: of images that are led through, at least 2.
        frames: of each stretch from one image to the next, the two among them, at least 2.
        way: "spherical" or "linear"; see `zoo_core.sampling.latents.between`.
        labels: names of classes, or one, which the stretches of a conditional model go through in turn; by default all
            of them.
        truncation: as in `sample`.
        checkpoint: of the run, the "final" one or the "best".

    Returns:
        uint8 (count - 1, frames, H, W, C).

    Raises:
        UsageError: as `sample`, whether truncated or not; for too few images or frames.
    """
    sampler = Sampler.load(Path(run), checkpoint)
    return walk(sampler, count, frames, way, seed, in_turn(sampler, labels, count - 1), truncation)


def in_turn(sampler: Sampler, names: str | Sequence[str], count: int) -> np.ndarray | None:
    """The labels of as many images, int32 (count,), that go through these classes in turn, or through all where none is
    named; None for a model that ignores labels.

    Raises:
        UsageError: for a class that there is not, or any in a model that ignores labels.
    """
    if not sampler.spec.conditional:
        if names:
            raise UsageError(
                f"Model '{sampler.spec.name}' ignores labels, so none can be asked for.", "Leave --label out."
            )
        return None
    classes = sampler.data.classes
    chosen = as_list(names) or classes
    for name in chosen:
        if name not in classes:
            raise unknown("class", name, classes)
    return np.resize(np.array([classes.index(name) for name in chosen], "int32"), max(count, 0))


def film(stretches: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """What `walk` gives as one animation, uint8 (F, H, W, C).

    A stretch begins with the image that the one before ends with, which is shown once; but where it is of another
    class, it begins with another image of the same latents, and both are shown.
    """
    parts = []
    for i, stretch in enumerate(stretches):
        last = i + 1 == len(stretches)
        shown_again = not last and (labels is None or labels[i] == labels[i + 1])
        parts.append(stretch[:-1] if shown_again else stretch)
    return np.concatenate(parts)


def draw(
    sampler: Sampler, count: int, seed: int, labels: np.ndarray | None = None, truncation: float | None = None
) -> np.ndarray:
    """As `sample`, with labels int32 (count,)."""
    return np.concatenate([*draw_parts(sampler, count, seed, labels, truncation)])


def draw_parts(
    sampler: Sampler, count: int, seed: int, labels: np.ndarray | None = None, truncation: float | None = None
) -> Iterator[np.ndarray]:
    """As `draw`, some at a time, uint8 (n, H, W, C): all may be too many to hold."""
    if count < 1:
        raise UsageError(f"At least 1 image must be asked for, received {count}.")
    space = None if truncation is None else LatentSpace(sampler)
    batch = min(count, sampler.full_batch)
    for start in range(0, count, batch):
        # The last part is drawn as large as the others, so that one compiled shape serves all.
        asked = None if labels is None else np.resize(labels[start : start + batch], batch)
        if space is None or truncation is None:
            images = sampler.generate(batch, seed, asked, start)
        else:
            images = space.images(_truncated(space.draw(batch, seed, start), truncation), asked)
        yield images[: count - start]


def walk(
    sampler: Sampler,
    count: int,
    frames: int,
    way: Way,
    seed: int,
    labels: np.ndarray | None = None,
    truncation: float | None = None,
) -> np.ndarray:
    """As `interpolate`, with labels int32 (count - 1,)."""
    if count < 2 or frames < 2:
        raise UsageError(f"At least 2 images and 2 frames are needed, received {count} and {frames}.")
    if way not in WAYS:
        raise unknown("way", way, WAYS)
    space = LatentSpace(sampler)
    ends = space.draw(count, seed)
    ends = ends if truncation is None else _truncated(ends, truncation)
    latents = between(ends[:-1], ends[1:], frames, way)
    images = space.images(latents.reshape(-1, space.dimensions), None if labels is None else np.repeat(labels, frames))
    return images.reshape(count - 1, frames, *images.shape[1:])


def _truncated(latents: np.ndarray, threshold: float) -> np.ndarray:
    if not threshold > 0:
        raise UsageError(f"The truncation must be above 0, received {threshold:g}.")
    return truncated(latents, threshold)
