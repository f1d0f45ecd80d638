"""Plant faults into a copy of a set of images, and say which.

    python benchmarks/data/planted.py SOURCE OUT [--each 200] [--seed 0] > planted.json

SOURCE is a folder or a tar of image files, or an npz with the arrays x_train and x_test. The folder OUT gets all of its
images, and of each kind of fault as many as asked for, each made from another image. The JSON maps each kind to pairs:
the path of what was planted, and the path of the image that it was made from; what was spoilt in its place is its own.
"""

import argparse
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

Files = dict[str, bytes]
Planted = dict[str, list[tuple[str, str]]]

QUALITIES = (30, 50, 75, 90)  # of JPEG
GAIN = 1.1  # of a brighter copy


def reencoded(image: Image.Image, quality: int) -> bytes:
    return encoded(image, "JPEG", quality=quality)


def brighter(image: Image.Image) -> bytes:
    return encoded(image.point(lambda level: min(255, round(GAIN * level))), "PNG")


def cropped(image: Image.Image) -> bytes:
    """A pixel less at each side, and brought back to its size."""
    inner = (1, 1, image.width - 1, image.height - 1)
    return encoded(image.resize(image.size, Image.Resampling.LANCZOS, box=inner), "PNG")


NEAR: dict[str, tuple[str, Callable[[Image.Image], bytes]]] = {
    **{f"jpeg {q}": (".jpg", lambda image, q=q: reencoded(image, q)) for q in QUALITIES},
    "brighter": (".png", brighter),
    "cropped": (".png", cropped),
}
"""The kinds of near duplicates: the extension, and what makes one."""

KINDS = (*NEAR, "exact copy", "truncated", "wrong extension", "no image")


def read(source: Path) -> Files:
    """The content of each file, by its path in the source."""
    if source.is_dir():
        return {str(path.relative_to(source)): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    if source.suffix == ".npz":
        with np.load(source) as arrays:
            images = {f"{s}/{n:06d}.png": x for s in ("train", "test") for n, x in enumerate(arrays[f"x_{s}"])}
        return {path: encoded(Image.fromarray(image), "PNG") for path, image in images.items()}
    with tarfile.open(source) as archive:
        return {m.name: file.read() for m in archive if (file := archive.extractfile(m)) is not None}


def plant(files: Files, each: int, seed: int) -> tuple[Files, Planted]:
    """The files with `each` faults of each kind, and what these are."""
    if len(files) < each * len(KINDS):
        raise SystemExit(f"{each * len(KINDS)} images are needed for {each} of each kind, received {len(files)}")
    order = np.random.Generator(np.random.PCG64(seed)).permutation(sorted(files)).reshape(-1)
    files, planted = dict(files), {}
    for number, kind in enumerate(KINDS):
        planted[kind] = [_plant(files, kind, str(path)) for path in order[number * each : (number + 1) * each]]
    return files, planted


def write(files: Files, out: Path) -> None:
    """Into a folder that must not exist."""
    out.mkdir(parents=True)
    for path, content in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)


def encoded(image: Image.Image, format: str, **settings: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **settings)
    return stream.getvalue()


def _plant(files: Files, kind: str, path: str) -> tuple[str, str]:
    original = PurePosixPath(path)
    if kind in NEAR:
        extension, make = NEAR[kind]
        copy = str(original.with_name(f"{original.stem}-{kind.replace(' ', '')}{extension}"))
        files[copy] = make(Image.open(io.BytesIO(files[path])))
        return copy, path
    if kind == "exact copy":  # of a train image in test, or the other way around, where there are such folders
        swapped = {"train": "test", "test": "train"}
        copy = str(PurePosixPath(*(swapped.get(part, part) for part in original.parts[:-1]), f"copy-{original.name}"))
        files[copy] = files[path]
        return copy, path
    if kind == "wrong extension":
        renamed = str(original.with_suffix(".jpg" if original.suffix == ".png" else ".png"))
        files[renamed] = files.pop(path)
        return renamed, path
    files[path] = b"This is no image.\n" if kind == "no image" else files[path][: len(files[path]) // 2]
    return path, path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    files, planted = plant(read(given.source), given.each, given.seed)
    write(files, given.out)
    print(json.dumps(planted, indent=1))


if __name__ == "__main__":
    main()
