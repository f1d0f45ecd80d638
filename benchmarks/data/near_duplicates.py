"""How many planted near duplicates are found, and what else is taken for one, by hash and threshold.

    python benchmarks/data/near_duplicates.py SOURCE [--each 600] [--seed 0] [--sheet FILE.png]

SOURCE is what planted.py takes. Prints a Markdown table: recall for each kind of copy; how many images are set aside
that were not planted, which may yet be duplicates of the source's own; and the precision if none of them is. The sheet
shows these, side by side with what they are said to duplicate, for the zoo's own hash at its largest threshold: look
at them before you call them wrong.
"""

import argparse
import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image
from planted import KINDS, NEAR, Files, plant, read

from zoo_core.data.preparing.duplicates import Duplicates, find_duplicates, perceptual_hash
from zoo_core.data.preparing.shards import SIZE

COPIES = (*NEAR, "exact copy")
SMALL, LARGE = range(0, 13, 2), range(0, 33, 4)  # thresholds for 64 and 256 bits
SIDE = 96  # pixels of an image on the sheet


def with_imagehash(function: Callable[..., imagehash.ImageHash], **settings: int) -> Callable[..., np.ndarray]:
    def hashes(images: Sequence[np.ndarray]) -> np.ndarray:
        pictures = (Image.fromarray(image.squeeze()) for image in images)
        return np.packbits([function(picture, **settings).hash.ravel() for picture in pictures], axis=1)

    return hashes


def the_zoos(images: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([np.frombuffer(perceptual_hash(image), np.uint8) for image in images])


HASHES: dict[str, tuple[Callable[[Sequence[np.ndarray]], np.ndarray], Sequence[int]]] = {
    "phash, 64 bits": (with_imagehash(imagehash.phash), SMALL),
    "dhash, 64 bits": (with_imagehash(imagehash.dhash), SMALL),
    "whash, 64 bits": (with_imagehash(imagehash.whash), SMALL),
    "dhash, 256 bits": (with_imagehash(imagehash.dhash, hash_size=16), LARGE),
    "phash, 256 bits (the zoo's)": (the_zoos, LARGE),
}


def decoded(files: Files) -> dict[str, np.ndarray]:
    """The images among them that can be read, uint8 (H, W, C)."""
    images = {}
    for path, content in files.items():
        try:
            image = Image.open(io.BytesIO(content))
            pixels = np.asarray(image.convert("L" if image.mode == "L" else "RGB"))
        except OSError:  # truncated, or no image
            continue
        images[path] = pixels.reshape(*pixels.shape[:2], -1)
    return images


def found(copies: np.ndarray, originals: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Whether each copy was set aside for the same image as its original, or for the original."""
    kept = np.where(of >= 0, of, np.arange(len(of)))
    return (of[copies] >= 0) & (kept[copies] == kept[originals])


def sheet(images: Sequence[np.ndarray], others: np.ndarray, found: Duplicates) -> Image.Image:
    """The nearest of what was not planted, ten pairs in a row."""
    pairs = others[np.argsort(found.distance[others], kind="stable")][:100]
    canvas = Image.new("RGB", (10 * (2 * SIDE + 8), max(1, -(-len(pairs) // 10)) * (SIDE + 8)), "white")
    for place, pair in enumerate(pairs):
        for side, number in enumerate((pair, found.of[pair])):
            image = (
                Image.fromarray(images[number].squeeze()).convert("RGB").resize((SIDE, SIDE), Image.Resampling.NEAREST)
            )
            canvas.paste(image, (place % 10 * (2 * SIDE + 8) + side * SIDE, place // 10 * (SIDE + 8)))
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--each", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()

    files, planted = plant(read(given.source), given.each, given.seed)
    copies = {copy for kind in COPIES for copy, _ in planted[kind]}
    by_path = decoded({path: files[path] for path in sorted(files, key=lambda path: (path in copies, path))})
    numbers = {path: number for number, path in enumerate(by_path)}  # originals first
    pairs = {
        kind: np.array([[numbers[copy], numbers[original]] for copy, original in planted[kind]]) for kind in COPIES
    }
    images = list(by_path.values())
    originals = np.arange(len(images) - len(copies))

    spoilt = sum(given.each for kind in KINDS if kind in ("truncated", "no image"))
    print(
        f"{len(originals):,} images of {given.source.name}, {given.each} copies of each kind; {spoilt} can't be read.\n"
    )
    print(f"| hash | bits | {' | '.join(COPIES)} | not planted | precision | search, s |")
    print(f"|---|---|{'---|' * (len(COPIES) + 3)}")
    for name, (hash_all, thresholds) in HASHES.items():
        began = time.perf_counter()
        hashes = np.concatenate([hash_all(images[start : start + SIZE]) for start in range(0, len(images), SIZE)])
        print(
            f"| {name}, {1e6 * (time.perf_counter() - began) / len(images):.0f} µs an image |{' |' * (len(COPIES) + 4)}"
        )
        for threshold in thresholds:
            began = time.perf_counter()
            result = find_duplicates(hashes, hashes, threshold)
            seconds = time.perf_counter() - began
            others = originals[result.of[originals] >= 0]
            hits = {kind: found(*pair.T, result.of) for kind, pair in pairs.items()}
            right = sum(int(hit.sum()) for hit in hits.values())
            recalls = " | ".join(f"{hit.mean():.3f}" for hit in hits.values())
            precision = right / max(1, right + len(others))
            print(f"| | {threshold} | {recalls} | {len(others)} | {precision:.3f} | {seconds:.1f} |", flush=True)
            if precision < 0.5:  # it only gets worse
                break
    if given.sheet:
        sheet(images, others, result).save(given.sheet)


if __name__ == "__main__":
    main()
