"""From image files to what a model makes of them, whatever their size: translation and enhancement."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo_core.data.decoding import attempt_all, decode, unreadable
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.folder_images import image_files
from zoo_core.files import write_bytes
from zoo_core.operations.reading import in_channels
from zoo_core.operations.tiling import Tiling
from zoo_core.operations.writing import LONGEST, check_file, check_folder, most_pixels, whole_folder
from zoo_core.progress import Progress
from zoo_core.sampling.grids import as_pillow
from zoo_core.sampling.sampler import Sampler
from zoo_core.training.selection import Rule

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
"""By suffix, the formats that are written."""

JPEG_QUALITY = 95


class Job(NamedTuple):
    """An image file, and the one that is to be made from it."""

    source: Path
    out: Path


def translate(
    run: str | Path,
    source: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    checkpoint: Rule = "final",
    progress: Progress | None = None,
    note: Callable[[str], object] | None = None,
) -> list[Path]:
    """Put images through a model that makes images from others, whatever their size: in overlapping tiles of the size
    that it was trained on, blended. Where it takes gray images, colours are lost.

    Args:
        run: of a model with the task `translate`, such as pix2pix.
        source: an image file, or a folder of them, with the folders in it.
        out: what to write, a file or a folder that does not exist or is empty; into a folder go PNG files, all of them
            at the end, or none.
        seed: of the noise where the model takes any.
        checkpoint: of the run, the "final" one or the "best".
        progress: told of the tiles that are done.
        note: told, at the end, how many images lost their colours, where any did.

    Returns:
        The files that were written.

    Raises:
        UsageError: for whatever was asked wrong, before anything is written.
        ZooError: where files can't be read, before anything is written, or the disk is full.
    """
    source, out = Path(source), Path(out)
    jobs = plan(source, out)
    sampler = Sampler.load(Path(run), checkpoint)
    total, done = sum(map(len, tilings(sampler, jobs))), 0

    def count(tiles: int) -> None:
        nonlocal done
        done += tiles
        if progress:
            progress("Tiles", done, total)

    channels, grayed = sampler.data.fields["inputs"].shape[2], 0
    with whole_folder(out) if source.is_dir() else nullcontext(out) as place:
        for job in jobs:
            (image,) = attempt_all(partial(decode, size=None), [job.source])
            if isinstance(image, Exception):
                raise ZooError(f"'{job.source}' has changed or gone meanwhile.", "Run again when nothing changes it.")
            grayed += channels == 1 and bool((image != image[..., :1]).any())
            _write(place / job.out.relative_to(out), translate_image(sampler, image, seed, count))
    if grayed and note:
        note(f"{grayed} of {len(jobs)} images lost their colours: the model takes gray ones.")
    return [job.out for job in jobs]


def enhance(
    run: str | Path,
    source: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    checkpoint: Rule = "final",
    progress: Progress | None = None,
    note: Callable[[str], object] | None = None,
) -> list[Path]:
    """Restore images by a model trained against a degradation: more pixels, less noise, sharper. As `translate`."""
    return translate(run, source, out, seed=seed, checkpoint=checkpoint, progress=progress, note=note)


def plan(source: Path, out: Path) -> list[Job]:
    """What is to be made: of a file one file, of a folder a PNG for each image in it, also in folders in it.

    Raises:
        UsageError: where there are no images, where what is to be written exists or would be written twice, for a file
            that is named after no format, or a folder that is named as an image is.
        ZooError: where the folder can't be listed.
    """
    if source.is_dir():
        check_folder(out)
        jobs = [Job(file, out / file.relative_to(source).with_suffix(".png")) for file in image_files(source)]
    elif not source.exists():
        raise UsageError(f"There is no file or folder '{source}'.", "Check the path.")
    else:
        check_file(out, FORMATS)
        jobs = [Job(source, out)]
    seen: dict[Path, Path] = {}
    for job in jobs:
        if job.out in seen:
            raise UsageError(
                f"'{seen[job.out]}' and '{job.source}' would both become '{job.out}'.", "Rename one of them."
            )
        seen[job.out] = job.source
    return jobs


def tilings(sampler: Sampler, jobs: Sequence[Job]) -> list[Tiling]:
    """How each image will be divided. Each is decoded for it, and let go: what is broken is to be found now, and not
    when other images have taken hours.

    Raises:
        UsageError: for a model without the task `translate`, images that can't be put together from its tiles, or
            results too large to be written, or to be read again.
        ZooError: where files can't be read.
    """
    sampler.check("translate")
    looked = attempt_all(_size, [job.source for job in jobs])
    bad = [(job.source, found) for job, found in zip(jobs, looked, strict=True) if isinstance(found, Exception)]
    if bad:
        raise unreadable(bad, len(jobs), "Replace or remove them.")
    made = [tiling(sampler, found) for found in looked if not isinstance(found, Exception)]
    for job, one in zip(jobs, made, strict=True):
        _check_size(job, one.result)
    return made


def translate_image(
    sampler: Sampler, image: np.ndarray, seed: int = 0, count: Callable[[int], object] = lambda tiles: None
) -> np.ndarray:
    """Put an image of any size through a model: uint8 (H, W, C), C 1 or 3 → uint8 (H', W', C').

    What it takes in gray or in colour is brought to that first. Everything is held in memory, about 20 bytes for each
    pixel and channel of the result.

    Args:
        seed: of the noise where the model takes any.
        count: is told of the tiles that are done.

    Raises:
        UsageError: for a model without the task `translate`, or images that can't be put together from its tiles.
    """
    sampler.check("translate")
    image = in_channels(image, sampler.data.fields["inputs"].shape[2])
    height, width = image.shape[:2]
    through = partial(_transform, sampler, seed)
    return tiling(sampler, (height, width)).apply(image, through, count)


def tiling(sampler: Sampler, size: tuple[int, int]) -> Tiling:
    """How an image of this size (H, W) is divided for a model. Raises UsageError as `Tiling` does."""
    height, width, _ = sampler.data.fields["inputs"].shape
    return Tiling(size, (height, width), sampler.data.image_shape)


def _transform(sampler: Sampler, seed: int, tiles: np.ndarray, first: int) -> np.ndarray:
    return sampler.transform(tiles, seed, first)


def _size(path: Path) -> tuple[int, int]:
    height, width = decode(path, None).shape[:2]
    return height, width


def _check_size(job: Job, size: tuple[int, int]) -> None:
    height, width = size
    format = FORMATS[job.out.suffix.lower()]
    if height * width > most_pixels():
        raise UsageError(
            f"'{job.source}' would become {height}x{width} pixels, {height * width:,} in all, and at most "
            f"{most_pixels():,} can be read again.",
            "Cut it into several images.",
        )
    longest = LONGEST.get(format, max(size))
    if max(size) > longest:
        raise UsageError(
            f"'{job.source}' would become {height}x{width} pixels, and {format} takes at most {longest:,} a side.",
            "Write a .png, or cut the image.",
        )


def _write(path: Path, image: np.ndarray) -> None:
    buffer = BytesIO()
    as_pillow(image).save(buffer, FORMATS[path.suffix.lower()], quality=JPEG_QUALITY)
    write_bytes(path, buffer.getvalue())
