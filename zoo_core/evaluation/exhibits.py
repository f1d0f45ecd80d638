"""What a report shows of a run beside its numbers, made once, when it is evaluated, from the checkpoint that is scored.

runs/<name>/exhibits/  samples.png  walk.png  neighbours.png  reconstructions.png
"""

import time
from contextlib import suppress

import numpy as np
from skimage.metrics import structural_similarity

from zoo_core.evaluation.images import draw
from zoo_core.evaluation.metric import Evaluand
from zoo_core.evaluation.neighbours import nearest
from zoo_core.evaluation.record import Sampling, Score
from zoo_core.evaluation.ssim import GAUSSIAN, UNIFORM
from zoo_core.features.network import keras_runtime
from zoo_core.runs import RunFolder
from zoo_core.sampling.callbacks import COLUMNS, GRID_SEED, ROWS, classes_in_rows
from zoo_core.sampling.collapse import LOOKED_AT, spread
from zoo_core.sampling.grids import grid, write_png
from zoo_core.sampling.latents import LatentSpace, NoLatents, between
from zoo_core.sampling.sampler import Sampler

WALKS = 5
NEIGHBOURS = 3
SECONDS = 0.2
"""For which batch after batch is generated, to time them."""


def write_exhibits(run: RunFolder, sampler: Sampler, evaluand: Evaluand, metrics: dict[str, Score]) -> None:
    """Write the sheets that the model and what was measured allow. The same seed's noise and the same classes are in
    the same place for every model.

    Args:
        metrics: of the evaluand; the nearest training images are shown where these had looked for them.

    Raises:
        ZooError: where they can't be written.
    """
    sheets: dict[str, np.ndarray] = {}
    if sampler.spec.generates:
        labels = classes_in_rows(sampler)
        count = ROWS * COLUMNS if labels is None else len(labels)
        sheets["samples"] = grid(sampler.generate(count, GRID_SEED, labels), COLUMNS)
        with suppress(NoLatents):
            sheets["walk"] = _walks(sampler)
        if any(key.startswith(("memorization_", "authenticity_")) for key in metrics):
            sheets["neighbours"] = _neighbours(evaluand)
    if evaluand.pairs and min(evaluand.reference.images.shape[:2]) >= len(UNIFORM):
        sheets["reconstructions"] = _reconstructions(evaluand)
    for name, sheet in sheets.items():
        write_png(run.exhibits / f"{name}.png", sheet)


def sampling_of(sampler: Sampler, evaluand: Evaluand) -> Sampling | None:
    """How fast the model generates, and how varied that is; None where nothing was generated."""
    if evaluand.generated is None:
        return None
    images = evaluand.generated.images
    batch = min(sampler.full_batch, len(images))  # the shape that is compiled already
    done, began = 0, time.perf_counter()
    while (seconds := time.perf_counter() - began) < SECONDS:
        _make(sampler, batch)
        done += batch
    return Sampling(
        images_per_second=done / seconds,
        batch=batch,
        runtime=keras_runtime(),
        variety=None if sampler.spec.translates else _variety(evaluand),
    )


def _make(sampler: Sampler, batch: int) -> None:
    if sampler.spec.translates:
        sampler.transform(np.zeros((batch, *sampler.data.fields["inputs"].shape), "uint8"), GRID_SEED)
    else:
        sampler.generate(batch, GRID_SEED, np.zeros(batch, "int32") if sampler.spec.conditional else None)


def _variety(evaluand: Evaluand) -> float | None:
    assert evaluand.generated is not None  # the caller has looked
    generated, real = (draw(sample.images, LOOKED_AT) for sample in (evaluand.generated, evaluand.reference))
    by_class = generated.labels is not None and real.labels is not None
    found, usual = (
        spread(images.read(0, len(images)), images.labels if by_class else None) for images in (generated, real)
    )
    return found / usual if usual else None


def _walks(sampler: Sampler) -> np.ndarray:
    """Each row goes from one image of the sheet of samples to another; in a conditional model within a class."""
    space = LatentSpace(sampler)
    noise = space.draw(2 * WALKS, GRID_SEED)
    latents = between(noise[::2], noise[1::2], COLUMNS).reshape(WALKS * COLUMNS, -1)
    labels = np.arange(WALKS, dtype="int32") % len(sampler.data.classes) if sampler.spec.conditional else None
    return grid(space.images(latents, None if labels is None else np.repeat(labels, COLUMNS)), COLUMNS)


def _neighbours(evaluand: Evaluand) -> np.ndarray:
    """Generated images in the first row, below each its nearest training images by the features, the nearest first."""
    generated, training = evaluand.generated, evaluand.training
    assert generated is not None  # else nothing could have been measured with them
    assert training is not None
    count = min(COLUMNS, len(generated))
    found = nearest([generated.features.read(0, count)], training.features, min(NEIGHBOURS, len(training)))
    rows = [generated.images.read(0, count), *(training.images.pick(numbers) for numbers in found.numbers.T)]
    return grid(np.concatenate(rows), count)


def _reconstructions(evaluand: Evaluand) -> np.ndarray:
    """Originals, what the model made in their place, and where the two agree: white where the SSIM is 1, black where it
    is 0 or less. At the edge, which `zoo_core.evaluation.ssim` leaves out, images are reflected."""
    assert evaluand.pairs is not None  # the caller has looked
    originals, others = (images.read(0, min(COLUMNS, len(images))) for images in evaluand.pairs)
    window = {"gaussian_weights": True} if min(originals.shape[1:3]) >= len(GAUSSIAN) else {"win_size": len(UNIFORM)}
    settings = {"data_range": 255, "channel_axis": -1, "use_sample_covariance": False, "full": True, **window}
    maps = [structural_similarity(*pair, **settings)[1] for pair in zip(originals, others, strict=True)]
    levels = np.round(255 * np.clip(np.mean(maps, axis=-1, keepdims=True), 0, 1)).astype("uint8")
    return grid(np.concatenate([originals, others, np.broadcast_to(levels, originals.shape)]), len(originals))
