"""Images through a model's encoder and decoder, and how near to themselves they come out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo_core.data.sources import without_splits
from zoo_core.errors import UnknownName, UsageError
from zoo_core.evaluation.psnr import psnr_of
from zoo_core.evaluation.sources import open_images
from zoo_core.evaluation.ssim import UNIFORM, ssim_of
from zoo_core.operations.reading import Given, Paths, read_images
from zoo_core.operations.writing import check_file
from zoo_core.runs import RunFolder
from zoo_core.sampling.grids import GAP, grid, write_png
from zoo_core.sampling.sampler import Sampler
from zoo_core.training.selection import Rule

COUNT = 20
"""Images of a data set, unless it is said how many."""

PAIRS = 5
"""In a row of a sheet."""


@dataclass(frozen=True, eq=False)
class Reconstructions:
    """Images and what a model made of them.

    Args:
        names: of the images: paths, or numbers in a data set.
        images, reconstructions: uint8 (N, H, W, C).
        resized: how many image files had another size, and were cropped, centred, and resized.
    """

    names: tuple[str, ...]
    images: np.ndarray
    reconstructions: np.ndarray
    resized: int = 0

    @property
    def ssim(self) -> np.ndarray | None:
        """Of each pair, float64 (N,), as `zoo evaluate` measures it; None for images below 7 pixels."""
        return similarity(self.images, self.reconstructions)

    @property
    def psnr(self) -> np.ndarray:
        """Of each pair in dB, at most 100, float64 (N,)."""
        return psnr_of(self.images, self.reconstructions)

    def sheet(self, columns: int = PAIRS) -> np.ndarray:
        """Each image with its reconstruction on the right, `columns` such pairs in a row: uint8 (H', W', C)."""
        height, width, channels = self.images.shape[1:]
        pairs = np.full((len(self.images), height, 2 * width + GAP, channels), 255, "uint8")
        pairs[:, :, :width], pairs[:, :, -width:] = self.images, self.reconstructions
        return grid(pairs, min(columns, len(pairs)))


def reconstruct(
    run: str | Path,
    images: Paths | np.ndarray | None = None,
    *,
    data: str | None = None,
    out: str | Path | None = None,
    count: int | None = None,
    checkpoint: Rule = "final",
    data_dir: str | Path | None = None,
) -> Reconstructions:
    """Put images through encoder and decoder.

    Args:
        run: of a model with the task `reconstruct`, such as vae.
        images: files and folders of files, brought to the model's size as `folder:PATH@64` does; or uint8
            (N, H, W, C). By default those of a data set.
        data: the set whose test images are taken, or those of its splits, such as "digits#train"; by default the one
            that the run was trained on.
        out: a PNG to write, with each image beside its reconstruction.
        count: how many images of a data set; by default 20.
        checkpoint: of the run, the "final" one or the "best".
        data_dir: where local copies of built-in data sets are.

    Raises:
        UsageError: for a model without that task, images of another shape, or none where the run was trained on an
            array; for what belongs to a data set beside images; for a file that is there already, or is named after
            another format.
        ZooError: where files can't be read, or the disk is full.
    """
    if out is not None:
        check_file(Path(out), (".png",))
    of_data = {"data": data, "count": count, "data_dir": data_dir}
    if images is not None and (given_too := [name for name, value in of_data.items() if value is not None]):
        raise UsageError(
            f"Images can be named, or a data set with its options: received images and {', '.join(given_too)}.",
            "Leave one of them out.",
        )
    sampler = Sampler.load(Path(run), checkpoint)
    sampler.check("reconstruct")
    if images is None:
        given = _of_data(Path(run), sampler, data, COUNT if count is None else count, data_dir)
    elif isinstance(images, np.ndarray):
        given = Given([str(number) for number in range(len(images))], images, 0)
    else:
        given = read_images(images, sampler.data.image_shape)
    made = Reconstructions(tuple(given.names), given.images, sampler.reconstruct(given.images), given.resized)
    if out is not None:
        write_png(Path(out), made.sheet())
    return made


def similarity(images: np.ndarray, others: np.ndarray) -> np.ndarray | None:
    """The SSIM of each pair, (N,) float64, of uint8 images (N, H, W, C); None where they are too small for it."""
    return ssim_of(images, others) if min(images.shape[1:3]) >= len(UNIFORM) else None


def _of_data(run: Path, sampler: Sampler, data: str | None, count: int, data_dir: str | Path | None) -> Given:
    """The first images of a data set."""
    description = RunFolder.open(run).description()
    if data is None:
        data_dir = data_dir or description.data_dir
    trained_on = without_splits(description.data.name)
    try:
        opened = open_images(data or trained_on, data_dir=Path(data_dir) if data_dir else None)
    except UnknownName as error:
        if data is not None:
            raise
        raise UsageError(
            f"The run was trained on '{trained_on}', which is no data set here: an array, or of a missing plugin.",
            "Give images, or name a data set.",
        ) from error
    height, width, _ = shape = sampler.data.image_shape
    if opened.images.shape != shape:
        raise UsageError(
            f"The model was trained on images of shape {shape}, and '{opened.name}' has {opened.images.shape}.",
            f"For another size: --data SET@{height}x{width}",
        )
    images = opened.images.read(0, min(count, len(opened.images)))
    return Given([f"{opened.name}#{opened.splits} {number}" for number in range(len(images))], images, 0)
