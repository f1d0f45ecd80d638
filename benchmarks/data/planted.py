"""Plant faults into a copy of an image folder or tar, and say which.

    python benchmarks/data/planted.py SOURCE OUT [--each 200] [--seed 0] > planted.json

OUT becomes a folder with all images of SOURCE, and of each kind of fault as many as asked for, each made from another
image. The JSON maps each kind to [path, path of the image that it was made from]; what was spoilt where it lay is its
own original.
"""

import argparse
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

QUALITIES = (30, 50, 75, 90)  # of JPEG
GAIN = 1.1  # of a brighter copy
TEXT = b"This is no image.\n"


def reencoded(image: Image.Image, quality: int) -> bytes:
    return _encoded(image, "JPEG", quality=quality)


def brighter(image: Image.Image) -> bytes:
    return _encoded(image.point(lambda level: min(255, round(GAIN * level))), "PNG")


def cropped(image: Image.Image) -> bytes:
    """A pixel less at each side, and brought back to its size."""
    inner = (1, 1, image.width - 1, image.height - 1)
    return _encoded(image.resize(image.size, Image.Resampling.LANCZOS, box=inner), "PNG")


COPIES: dict[str, tuple[str, Callable[[Image.Image], bytes]]] = {
    **{f"jpeg {q}": (".jpg", lambda image, q=q: reencoded(image, q)) for q in QUALITIES},
    "brighter": (".png", brighter),
    "cropped": (".png", cropped),
}
"""The kinds of near duplicates: the extension, and what makes one."""


def plant(source: Path, out: Path, each: int, seed: int) -> dict[str, list[tuple[str, str]]]:
    """Write `source` with faults into the folder `out`, which must not exist; returns what the JSON says."""
    files = dict(sorted(_files(source)))
    kinds = [*COPIES, "exact copy", "truncated", "wrong extension", "no image"]
    if len(files) < each * len(kinds):
        raise SystemExit(f"{each * len(kinds)} images are needed for {each} of each kind, received {len(files)}")
    order = np.random.Generator(np.random.PCG64(seed)).permutation(sorted(files))
    planted: dict[str, list[tuple[str, str]]] = {}
    for number, kind in enumerate(kinds):
        planted[kind] = [_plant(files, kind, str(path)) for path in order[number * each : (number + 1) * each]]
    out.mkdir(parents=True)
    for path, content in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
    return planted


def _plant(files: dict[str, bytes], kind: str, path: str) -> tuple[str, str]:
    original = PurePosixPath(path)
    if kind in COPIES:
        extension, make = COPIES[kind]
        copy = str(original.with_name(f"{original.stem}-{kind.replace(' ', '')}{extension}"))
        files[copy] = make(Image.open(io.BytesIO(files[path])))
        return copy, path
    if kind == "exact copy":  # of a train image in test where there are such folders
        swapped = {"train": "test", "test": "train"}
        copy = str(PurePosixPath(*(swapped.get(part, part) for part in original.parts[:-1]), f"copy-{original.name}"))
        files[copy] = files[path]
        return copy, path
    if kind == "wrong extension":
        renamed = str(original.with_suffix(".jpg" if original.suffix == ".png" else ".png"))
        files[renamed] = files.pop(path)
        return renamed, path
    files[path] = TEXT if kind == "no image" else files[path][: len(files[path]) // 2]
    return path, path


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        yield from ((str(path.relative_to(source)), path.read_bytes()) for path in source.rglob("*") if path.is_file())
        return
    with tarfile.open(source) as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is not None:
                yield member.name, file.read()


def _encoded(image: Image.Image, format: str, **settings: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **settings)
    return stream.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(json.dumps(plant(given.source, given.out, given.each, given.seed), indent=1))


if __name__ == "__main__":
    main()
