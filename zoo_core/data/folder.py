"""Image folders: which files belong to which split and class, and how they become uint8 arrays.

PATH/CLASS/*.png                        classes, split here
PATH/*.png                              no classes, split here
PATH/{train,test}/... [validation|val]  split by whoever made the folder, each as one of the above
"""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from zoo_core.data.dataset import Dataset, Split, carve_all, carve_validation
from zoo_core.errors import UsageError, ZooError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # a .png that is really EPS must not start Ghostscript


class _File(NamedTuple):
    """An image file and its class; None where it lies in no class folder."""

    path: Path
    label: str | None


def load_folder(path: Path, size: tuple[int, int] | None, name: str) -> Dataset:
    """Read a folder of images; the file's docstring shows the three layouts.

    Hidden files and files with other extensions are ignored, and so are folders within class folders. Of an animation
    the first frame counts. Where there is no test split, a fifth of the images becomes it; where there is no
    validation split, a tenth of the rest (at most 5,000); stratified, and always alike. A set with both grayscale and
    colour images becomes RGB throughout.

    Args:
        size: (H, W) to crop (centred, to the aspect ratio) and resize the images to, as `PIL.ImageOps.fit` does with
            Lanczos' filter; None where all have one size.
        name: the data set's name.

    Raises:
        UsageError: if there is no such folder, no images or too few, an unclear layout, or images of several sizes.
        ZooError: if images can't be read; names the first of them.
    """
    try:
        if not path.is_dir():
            received = "a file" if path.exists() else "not there"
            hint = "A prepared HDF5 file is named h5:PATH." if path.exists() else "Check the path."
            raise UsageError(f"'{path}' should be a folder of images, but it is {received}.", hint)
        files = _files_by_split(path)
    except OSError as error:
        raise ZooError(f"Can't list '{error.filename}': {error.strerror}.", "Check the path and the rights.") from error
    classes = _classes(path, files)
    pixels = _read_all(path, [file.path for content in files.values() for file in content], size)
    numbers: dict[str | None, int] = {label: number for number, label in enumerate(classes)}
    splits, start = {}, 0
    for split, content in files.items():
        labels = np.array([numbers[file.label] for file in content], np.int32) if classes else None
        splits[split] = Split(pixels[start : start + len(content)], labels)
        start += len(content)
    return Dataset(name, splits, classes)


def _files_by_split(path: Path) -> dict[str, list[_File]]:
    folders = {folder.name: folder for folder in _folders(path)}
    validation = [name for name in ("validation", "val") if name in folders]
    if "train" in folders and "test" in folders:
        if len(validation) == 2:
            raise UsageError(f"'{path}' has both 'validation' and 'val'.", "Rename or remove one of them.")
        files = {"train": _files(folders["train"]), "test": _files(folders["test"])}
        if validation:
            return files | {"validation": _files(folders[validation[0]])}
        pile = files["train"]
        if len(pile) < 2:
            raise UsageError(f"'{folders['train']}' should hold at least 2 images, but it holds 1.")
        carved = carve_validation(len(pile), _strata(pile))
    elif "train" in folders and validation:
        raise UsageError(
            f"'{path}' has 'train' and '{validation[0]}', but no 'test'.",
            f"Rename '{validation[0]}' to 'test': a validation split is then carved from 'train'.",
        )
    else:
        files, pile = {}, _files(path)
        if len(pile) < 3:
            raise UsageError(
                f"'{path}' should hold at least 3 images, one each to train, validate and test; it holds {len(pile)}."
            )
        carved = carve_all(len(pile), _strata(pile))
    return files | {split: [pile[index] for index in indices] for split, indices in carved.items()}


def _files(folder: Path) -> list[_File]:
    """The images of a folder, by class and name, so that the order does not depend on the file system."""
    loose = [_File(image, None) for image in _images(folder)]
    classed = [_File(image, inner.name) for inner in _folders(folder) for image in _images(inner)]
    if loose and classed:
        raise UsageError(
            f"'{folder}' holds both images ({loose[0].path.name}, …) and class folders ({classed[0].label}, …).",
            "Move the loose images into a folder of their class, or elsewhere.",
        )
    if not loose and not classed:
        raise UsageError(
            f"'{folder}' holds no images, neither in it nor in the folders right under it.",
            f"Accepted are {' '.join(EXTENSIONS)}, in a folder for each class, or all in one folder.",
        )
    return loose or classed


def _folders(path: Path) -> list[Path]:
    return sorted((f for f in path.iterdir() if f.is_dir() and not f.name.startswith(".")), key=lambda f: f.name)


def _images(path: Path) -> list[Path]:
    candidates = (f for f in path.iterdir() if f.suffix.lower() in EXTENSIONS and not f.name.startswith("."))
    return sorted((f for f in candidates if f.is_file()), key=lambda f: f.name)


def _strata(files: Sequence[_File]) -> np.ndarray | None:
    return None if files[0].label is None else np.unique([file.label for file in files], return_inverse=True)[1]


def _classes(path: Path, files: Mapping[str, Sequence[_File]]) -> tuple[str, ...]:
    """The class names, which the training images define; empty where there are no class folders."""
    found = {split: {file.label for file in content} for split, content in files.items()}
    for split, labels in found.items():
        if strange := sorted(label or "images outside of class folders" for label in labels - found["train"]):
            raise UsageError(
                f"In '{path}', {split} has classes that train has not: {', '.join(strange)}.",
                f"train has: {', '.join(sorted(label or 'no classes' for label in found['train']))}.",
            )
    return tuple(sorted(label for label in found["train"] if label is not None))


def _read_all(folder: Path, paths: Sequence[Path], size: tuple[int, int] | None) -> np.ndarray:
    """All images, uint8 (N, H, W, C): C is 1 if every one is grayscale."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders grumble about metadata that does not matter here
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with ThreadPoolExecutor() as pool:  # decoding releases the interpreter's lock
            results = list(pool.map(partial(_read, size=size), paths))
    if broken := [f"'{p}' ({r})" for p, r in zip(paths, results, strict=True) if isinstance(r, Exception)]:
        first = "; ".join(sorted(broken)[:3]) + ("; and others" if len(broken) > 3 else "")
        raise ZooError(f"{len(broken)} of {len(paths)} images can't be read: {first}.", "Replace or remove them.")
    images = [result for result in results if not isinstance(result, Exception)]
    sizes = Counter(image.shape[:2] for image in images)
    if len(sizes) > 1:
        common = ", ".join(f"{height}x{width} ({count} images)" for (height, width), count in sizes.most_common(5))
        raise UsageError(
            f"The images of '{folder}' should have one size, but they have {len(sizes)} (height x width): {common}"
            f"{', …' if len(sizes) > 5 else ''}.",
            f"Name the size to crop and resize them to: folder:{folder}@64",
        )
    ((height, width),) = sizes
    pixels = np.empty((len(images), height, width, max(image.shape[2] for image in images)), np.uint8)
    for target, image in zip(pixels, images, strict=True):
        target[...] = image  # grayscale among colour: (H, W, 1) -> (H, W, 3)
    return pixels


def _read(path: Path, size: tuple[int, int] | None) -> np.ndarray | Exception:
    """One image, uint8 (H, W, 1) or (H, W, 3), or why it can't be read."""
    try:
        with Image.open(path, formats=_FORMATS) as file:
            image = _gray_or_rgb(ImageOps.exif_transpose(file))
        if size is not None:
            image = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.LANCZOS)
    except Exception as error:  # decoders raise whatever broken bytes lead them to
        return error
    pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], -1)


def _gray_or_rgb(image: Image.Image) -> Image.Image:
    """The image in mode L or RGB: 16 bits lose the lower 8, [0, 1] floats become 0 to 255, alpha goes onto white."""
    if image.mode.startswith("I") or image.mode == "F":  # I;16 and its byte orders, I of 32 bits
        values = np.asarray(image)
        highest = 1 if image.mode == "F" else 65535
        if not (values.min() >= 0 and values.max() <= highest):  # so put, NaN is refused too
            raise ValueError(f"pixels of mode {image.mode} must lie in [0, {highest}]")
        scaled = np.floor(values * 255 + 0.5) if image.mode == "F" else values >> 8
        return Image.fromarray(scaled.astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
