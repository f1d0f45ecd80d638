"""Image folders: which files belong to which split and class, and how they become uint8 arrays.

PATH/CLASS/*.png                        classes, split here
PATH/*.png                              no classes, split here
PATH/{train,test}/... [validation|val]  split by whoever made the folder, each as one of the above
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo_core.data.dataset import Dataset, Split, carve_all, carve_validation
from zoo_core.data.decoding import EXTENSIONS, attempt_all, decode, is_image, reason_of, several_sizes, unreadable
from zoo_core.errors import UsageError, ZooError


class _File(NamedTuple):
    """An image file and its class; None where it lies in no class folder."""

    path: Path
    label: str | None


def load_folder(
    path: Path, size: tuple[int, int] | None, name: str, skipped: list[tuple[str, str]] | None = None
) -> Dataset:
    """Read a folder of images; the file's docstring shows the three layouts.

    Hidden files and files with other extensions are ignored, and so are folders within class folders. Of an animation
    the first frame counts. Where there is no test split, a fifth of the images becomes it; where there is no
    validation split, a tenth of the rest (at most 5,000); stratified, and always alike. A set with both grayscale and
    colour images becomes RGB throughout.

    Args:
        size: (H, W) to crop (centred, to the aspect ratio) and resize the images to, as `PIL.ImageOps.fit` does with
            Lanczos' filter; None where all have one size.
        name: the data set's name.
        skipped: takes the files that can't be read, each with the reason: they are left out, and all others stay in
            the splits where they would be without that. By default such files are an error.

    Raises:
        UsageError: if there is no such folder, no images or too few, an unclear layout, or images of several sizes.
        ZooError: if images can't be read, those of a whole split where they may be left out; names the first of them.
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
    images, failures = _decode_all([file.path for content in files.values() for file in content], size)
    good = {split: [file for file in content if file.path in images] for split, content in files.items()}
    if failures and (skipped is None or not all(good.values())):
        hint = "Replace or remove them. zoo datasets prepare sets them aside, zoo evaluate --skip-bad leaves them out."
        raise unreadable(failures, len(images) + len(failures), hint)
    if skipped is not None:
        skipped += [(file.relative_to(path).as_posix(), reason_of(error)) for file, error in failures]
    pixels = _stack(path, list(images.values()))
    numbers: dict[str | None, int] = {label: number for number, label in enumerate(classes)}
    splits, start = {}, 0
    for split, content in good.items():
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
    return sorted((f for f in path.iterdir() if is_image(f) and f.is_file()), key=lambda f: f.name)


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


def _decode_all(
    paths: Sequence[Path], size: tuple[int, int] | None
) -> tuple[dict[Path, np.ndarray], list[tuple[Path, Exception]]]:
    """The images (H, W, 1 or 3) of the files that can be read, in their order, and the others with their errors."""
    found = list(zip(paths, attempt_all(partial(decode, size=size), paths), strict=True))
    images = {path: result for path, result in found if not isinstance(result, Exception)}
    return images, [(path, result) for path, result in found if isinstance(result, Exception)]


def _stack(folder: Path, images: Sequence[np.ndarray]) -> np.ndarray:
    """All images, uint8 (N, H, W, C): C is 1 if every one is grayscale."""
    sizes = Counter((image.shape[0], image.shape[1]) for image in images)
    if len(sizes) > 1:
        raise several_sizes(folder, sizes, f"folder:{folder}")
    ((height, width),) = sizes
    pixels = np.empty((len(images), height, width, max(image.shape[2] for image in images)), np.uint8)
    for target, image in zip(pixels, images, strict=True):
        target[...] = image  # grayscale among colour: (H, W, 1) -> (H, W, 3)
    return pixels
