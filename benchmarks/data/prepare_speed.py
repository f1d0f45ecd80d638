"""Preparing a data set: images a second against the bare decoder, against what people use, and the memory it takes.

    python benchmarks/data/prepare_speed.py [--cifar cifar10-jpg-subset.tar] [--rounds 3] [--sets large photos small]

Three folders of JPEG files: `large`, 1,000 of 1200x900 pixels, windows of the photographs that come with scikit-image
and scikit-learn, enlarged to the size that pictures have on the web; `photos`, 12,000 of 400x300, such windows as they
are, both brought to 64x64; and `small`, 12,000 of 32x32 as they are, of the archive `--cifar` or else of the same
photographs. In each round all take turns:

- `pillow`: the limit. Reads, decodes, converts and resizes each file in one process, and forgets it; or in two, forked,
  half of the files each, which is what the zoo with two processes is beside.
- `zoo, N processes`: `zoo_core.data.preparing.prepare`, whole: cleaned, hashed, deduplicated, split, written, verified.
- `dataset_tool`: what StyleGAN's tool of that name does: one process, each image as an uncompressed PNG into a zip.
- `h5py loop`: one process, each image into a row of a resizable, chunked HDF5 array.

The last two check nothing and look for no duplicates. Then the peak memory of a preparation by the default rules, of
the one of its processes that takes most, with 1,000 and 10,000 files.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import h5py
import numpy as np
from PIL import Image, ImageOps

from zoo_core.data.preparing import Rules, prepare
from zoo_core.data.preparing.engines import LocalEngine

SIZES = {"large": 64, "photos": 64, "small": None}
"""What the images of each folder are brought to; None where they stay as they are."""

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")
MEMORY = """
import sys
from pathlib import Path
from zoo_core.data.preparing import Rules, prepare
prepare([sys.argv[1]], Path(sys.argv[2]), Rules(size=(32, 32)))
"""


def photographs() -> list[np.ndarray]:
    import skimage.data  # not above: every process that is started imports this file
    from sklearn.datasets import load_sample_images

    return [*(getattr(skimage.data, name)() for name in PHOTOGRAPHS), *load_sample_images().images]


def write_windows(folder: Path, count: int, size: tuple[int, int]) -> None:
    """Windows of the photographs, each scaled and turned at random, as JPEG files of quality 90."""
    rng, pictures = np.random.default_rng(0), [Image.fromarray(picture) for picture in photographs()]
    folder.mkdir()
    for number in range(count):
        picture = pictures[rng.integers(len(pictures))]
        width, height = (int(side * rng.uniform(0.5, 0.95)) for side in picture.size)
        left, top = (
            int(rng.uniform(0, whole - part)) for whole, part in zip(picture.size, (width, height), strict=True)
        )
        window = picture.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.LANCZOS)
        window.rotate(rng.uniform(-9, 9)).save(folder / f"{number:05}.jpg", quality=90)


def make(name: str, folder: Path, cifar: Path | None) -> None:
    """The folder of this name."""
    if name == "large":
        write_windows(folder, 1_000, (1200, 900))
    elif name == "photos":
        write_windows(folder, 12_000, (400, 300))
    elif cifar:
        unpack(cifar, folder, 12_000)
    else:
        write_windows(folder, 12_000, (32, 32))


def unpack(archive: Path, folder: Path, count: int) -> None:
    with tarfile.open(archive) as tar:
        members = [member for member in tar if member.isfile()][:count]
        folder.mkdir()
        for number, member in enumerate(members):
            content = tar.extractfile(member)
            assert content is not None
            (folder / f"{number:05}.jpg").write_bytes(content.read())


def decoded(path: Path, size: int | None) -> Image.Image:
    with Image.open(path) as file:
        image = file.convert("RGB")
    return image if size is None else ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)


def pillow(files: list[Path], size: int | None, out: Path) -> None:
    for path in files:
        np.asarray(decoded(path, size))


def pillow_twice(files: list[Path], size: int | None, out: Path) -> None:
    with get_context("fork").Pool(2) as pool:
        pool.starmap(pillow, [(half, size, out) for half in (files[::2], files[1::2])], 1)


def dataset_tool(files: list[Path], size: int | None, out: Path) -> None:
    labels = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, path in enumerate(files):
            buffer = io.BytesIO()
            decoded(path, size).save(buffer, "png", compress_level=0, optimize=False)
            name = f"{number // 1000:05}/img{number:08}.png"
            archive.writestr(name, buffer.getvalue())
            labels.append([name, 0])
        archive.writestr("dataset.json", json.dumps({"labels": labels}))


def h5py_loop(files: list[Path], size: int | None, out: Path) -> None:
    with h5py.File(out, "w") as file:
        first = np.asarray(decoded(files[0], size))
        images = file.create_dataset("images", (0, *first.shape), "u1", maxshape=(None, *first.shape))
        for number, path in enumerate(files):
            images.resize(number + 1, 0)
            images[number] = np.asarray(decoded(path, size))


def zoo(workers: int) -> Callable[[list[Path], int | None, Path], None]:
    def run(files: list[Path], size: int | None, out: Path) -> None:
        rules = Rules(size=(size, size) if size else None)
        prepare([str(files[0].parent)], out.with_suffix(".h5"), rules, engine=LocalEngine(workers))
        out.with_suffix(".h5").unlink()
        out.with_suffix(".report.json").unlink()

    return run


CONTENDERS = {
    "pillow": pillow,
    "pillow, 2 processes": pillow_twice,
    "zoo, 1 process": zoo(1),
    "zoo, 2 processes": zoo(2),
    "dataset_tool": dataset_tool,
    "h5py loop": h5py_loop,
}


def measure(files: list[Path], size: int | None, rounds: int, folder: Path) -> dict[str, float]:
    """Images a second of each contender, in its fastest round: others may be at work on the machine."""
    seconds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, run in CONTENDERS.items():
            began = time.perf_counter()
            run(files, size, folder / "out")
            seconds[name].append(time.perf_counter() - began)
            (folder / "out").unlink(missing_ok=True)
    return {name: len(files) / min(times) for name, times in seconds.items()}


def peak_memory(count: int, folder: Path) -> int:
    """MiB, of the process with the most."""
    source = folder / f"memory-{count}"
    rng = np.random.default_rng(0)
    for number in range(count):
        path = source / str(number // 1000) / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), "uint8")).save(path)
    subprocess.run([sys.executable, "-c", MEMORY, str(source), str(folder / f"{count}.h5")], check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024  # the largest so far: small sets first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cifar", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sets", nargs="+", default=list(SIZES), choices=list(SIZES))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        memory = {count: peak_memory(count, folder) for count in (1_000, 10_000)}
        for name in arguments.sets:
            make(name, folder / name, arguments.cifar)
        found = {
            name: measure(sorted((folder / name).iterdir()), SIZES[name], arguments.rounds, folder)
            for name in arguments.sets
        }
    print(
        "| | " + " | ".join(f"{name}, images/s | of Pillow" for name in found) + " |\n|---|" + "---|" * 2 * len(found)
    )
    for contender in CONTENDERS:
        limit = "pillow, 2 processes" if "2 processes" in contender else "pillow"
        cells = [f"{rates[contender]:,.0f} | {rates[contender] / rates[limit]:.0%}" for rates in found.values()]
        print(f"| {contender} | " + " | ".join(cells) + " |")
    print("\nPeak memory: " + ", ".join(f"{count:,} images {mib} MiB" for count, mib in memory.items()))


if __name__ == "__main__":
    main()
