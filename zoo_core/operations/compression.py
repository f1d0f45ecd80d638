"""Images to the quantized latents of an autoencoder in a file, and back."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo_core.errors import UsageError, ZooError
from zoo_core.files import write_bytes
from zoo_core.operations.codecs import Coded, others_at
from zoo_core.operations.latent_file import LARGEST_FILE, MOST_IMAGES, Latents, header_size, pack, unpack
from zoo_core.operations.reading import Given, Paths, list_images, read_images
from zoo_core.operations.writing import check_file, check_folder, write_images
from zoo_core.sampling.sampler import Sampler
from zoo_core.training.selection import Rule

STEP, LARGEST = 0.5, 100


@dataclass(frozen=True, eq=False)
class Compressed:
    """What a file holds and costs.

    Args:
        images: uint8 (N, H, W, C) that went in.
        decoded: uint8 (N, H, W, C) that come out.
        resized: how many image files had another size, and were cropped, centred, and resized.
        own: the file.
        others: JPEG and WebP in as many bytes, or as near to it as their quality allows; empty where it was not asked.
    """

    images: np.ndarray
    decoded: np.ndarray
    resized: int
    own: Coded
    others: tuple[Coded, ...]


def compress(
    run: str | Path,
    images: Paths | np.ndarray,
    out: str | Path,
    *,
    step: float = STEP,
    checkpoint: Rule = "final",
    compare: bool = True,
) -> Compressed:
    """Write the latents of images to a file: rounded to multiples of a step, and entropy coded.

    Args:
        run: of a model with the task `reconstruct`, such as vae.
        images: files and folders of files, brought to the model's size as `folder:PATH@64` does; or uint8
            (N, H, W, C).
        out: the file to write.
        step: of the quantization, in root mean squares of all latents, at most 100: larger for fewer bytes.
        checkpoint: of the run, the "final" one or the "best"; to decompress, the same is needed.
        compare: with JPEG and WebP, of which each takes seven attempts at every image.

    Raises:
        UsageError: for a model without that task, images of another shape or too many, a step that is too small or
            too large, or a file that is there already or can't be written.
        ZooError: where files can't be read, latents are not finite, or the disk is full.
    """
    check_file(Path(out))
    if not 0 < step <= LARGEST:
        raise UsageError(f"The step should be above 0 and at most {LARGEST}, received {step}.")
    named = images if isinstance(images, np.ndarray) else list_images(images)
    if len(named) > MOST_IMAGES:
        raise UsageError(
            f"A file holds at most {MOST_IMAGES:,} images, received {len(named):,}.",
            "Compress them into several files.",
        )
    sampler = Sampler.load(Path(run), checkpoint)
    sampler.check("reconstruct")
    given = Given([], named, 0) if isinstance(named, np.ndarray) else read_images(named, sampler.data.image_shape)
    latents = _quantized(sampler.encode(given.images), step, identity(sampler))
    content = pack(latents)
    decoded = np.concatenate([*_decoded(sampler, latents)])
    own = Coded.of(f"{sampler.spec.name}, one file", given.images, decoded, len(content), header_size(content))
    others = others_at(len(content), given.images) if compare else []
    write_bytes(Path(out), content)
    return Compressed(given.images, decoded, given.resized, own, tuple(others))


def decompress(run: str | Path, file: str | Path, out: str | Path, *, checkpoint: Rule = "final") -> list[Path]:
    """Write the images of a file that `compress` wrote, as PNG, numbered in their order.

    Args:
        run: the one that compressed it.
        out: a folder, which must not exist or be empty.
        checkpoint: of the run, as it was compressed by.

    Returns:
        The files that were written.

    Raises:
        UsageError: for another run's file, or a folder that has something in it.
        ZooError: for a damaged file, or where the disk is full.
    """
    file, out = Path(file), Path(out)
    check_folder(out)
    content = _read(file)
    sampler = Sampler.load(Path(run), checkpoint)
    sampler.check("reconstruct")
    shape = sampler.encode(np.zeros((1, *sampler.data.image_shape), np.uint8)).shape[1:]
    latents = unpack(content, identity(sampler), shape)
    return write_images(out, _decoded(sampler, latents))


def identity(sampler: Sampler) -> bytes:
    """8 bytes that tell networks apart: of the SHA-256 over the model's name and the weights, by name."""
    digest = hashlib.sha256(sampler.spec.name.encode())
    for name in sorted(sampler.weights):
        array = np.ascontiguousarray(sampler.weights[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.digest()[:8]


def _quantized(latents: np.ndarray, step: float, run: bytes) -> Latents:
    if not np.isfinite(latents).all():
        raise ZooError(
            f"Expected finite latents, received {np.isfinite(latents).sum()} of {latents.size} finite.",
            "The model has probably diverged.",
        )
    size = np.float32(step * (np.sqrt(np.mean(np.square(latents, dtype=np.float64))) or 1))
    values = np.rint(latents.astype(np.float64) / size) if size else np.full(latents.shape, np.inf)
    if np.abs(values).max() >= 2**31:
        raise UsageError(f"The step {step} is too small for these latents.", "Take a larger --step.")
    return Latents(run, size, values.astype(np.int32))


def _decoded(sampler: Sampler, latents: Latents) -> Iterator[np.ndarray]:
    """The images, some at a time, uint8 (n, H, W, C)."""
    batch = min(sampler.full_batch, len(latents.values))
    for start in range(0, len(latents.values), batch):
        yield sampler.decode(latents.values[start : start + batch].astype(np.float32) * latents.step, batch)


def _read(file: Path) -> bytes:
    if not file.is_file():
        raise UsageError(f"There is no file '{file}'.", "Check the path.")
    if file.stat().st_size > LARGEST_FILE:
        raise ZooError(
            f"'{file}' has {file.stat().st_size:,} bytes, and a file of zoo compress at most {LARGEST_FILE:,}.",
            "Name a file that zoo compress wrote.",
        )
    try:
        return file.read_bytes()
    except OSError as error:
        raise ZooError(f"Can't read '{file}': {error.strerror or error}.", "Check the rights.") from error
