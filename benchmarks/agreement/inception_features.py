"""The zoo's Inception features against torch-fidelity's, on photographs and digits, with random weights.

    ZOO_SHARED_DATA=FOLDER python benchmarks/agreement/inception_features.py --peer-python BENCH_PYTHON

`BENCH_PYTHON` is that of an environment with `benchmarks/requirements.txt`. The weights are random, with BatchNorm
statistics of the photographs, written by torch in both of its containers; FOLDER has mnist.npz and
cifar10-jpg-subset.tar, whose photographs become 64, 299 and 400 pixels large by Pillow's Lanczos filter.

Two differences are printed for features and logits a against b: the largest, max |a - b| / max |b|, and the largest of
single elements, |a - b| / |b|, over those with |b| of at least 1 % of max |b|. b is what torch-fidelity computes, by
default in float32 and once in float64, which shows how much of the differences is its own rounding.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from zoo_core.features.inception import Inception
from zoo_core.features.inception.torch_file import read_tensors

SIZES = (28, 32, 64, 299, 400)
PEER = Path(__file__).with_name("torch_fidelity_peer.py")


def digits(folder: Path, count: int) -> np.ndarray:
    """(count, 28, 28, 1) uint8, the first of MNIST's test split."""
    with np.load(folder / "mnist.npz") as file:
        return file["x_test"][:count, :, :, None]


def photographs(folder: Path, count: int) -> np.ndarray:
    """(count, 32, 32, 3) uint8, evenly spaced over the classes of the CIFAR-10 subset."""
    with tarfile.open(folder / "cifar10-jpg-subset.tar") as archive:
        members = sorted(member.name for member in archive if member.name.endswith(".jpg"))
        chosen = members[:: len(members) // count][:count]
        return np.stack([np.asarray(Image.open(archive.extractfile(name)).convert("RGB")) for name in chosen])


def enlarged(images: np.ndarray, side: int) -> np.ndarray:
    return np.stack([np.asarray(Image.fromarray(image).resize((side, side), Image.LANCZOS)) for image in images])


def relative(found: np.ndarray, expected: np.ndarray) -> str:
    """Both differences, for a table."""
    difference, size = np.abs(found.astype(np.float64) - expected), np.abs(expected)
    counted = size >= 0.01 * size.max()
    return f"{difference.max() / size.max():.1e} / {(difference[counted] / size[counted]).max():.1e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-python", required=True, help="of the environment that has torch-fidelity")
    parser.add_argument("--count", type=int, default=16, help="images of each size")
    arguments = parser.parse_args()
    folder = Path(os.environ["ZOO_SHARED_DATA"])

    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)

        def peer(*command: object) -> None:
            subprocess.run([arguments.peer_python, PEER, *map(str, command)], check=True)

        np.save(work / "calibration.npy", photographs(folder, 64))
        for container, options in (("zip", []), ("legacy", ["--legacy"])):
            peer("weights", work / "calibration.npy", work / f"{container}.pth", *options)
        both = [read_tensors((work / f"{name}.pth").read_bytes(), name) for name in ("zip", "legacy")]
        for name, values in both[0].items():
            np.testing.assert_array_equal(values, both[1][name])
        print(f"Both containers hold the same {len(both[0])} tensors.\n", file=sys.stderr)

        runtimes = ["keras", *(["openvino"] if find_spec("openvino") else [])]
        networks = [Inception.open(work / "zip.pth", runtime) for runtime in runtimes]
        print("| images | computed by | features, float32 | features, float64 | logits, float32 | logits, float64 |")
        print("|---|---|---|---|---|---|")
        small = photographs(folder, arguments.count)
        for side in SIZES:
            images = digits(folder, arguments.count) if side == 28 else small if side == 32 else enlarged(small, side)
            np.save(work / "images.npy", images)
            expected = {}
            for precision in ("float32", "float64"):
                result = work / f"{precision}.npz"
                peer("features", work / "zip.pth", work / "images.npy", result, "--precision", precision)
                expected[precision] = dict(np.load(result))
            found = {"torch-fidelity": (expected["float32"]["features"], expected["float32"]["logits"])}
            for network in networks:
                features = network.features(images)
                found[network.runtime] = features, network.logits(features)
            shape = "x".join(map(str, images.shape[1:]))
            for name, outputs in found.items():
                cells = [
                    relative(output, expected[precision][kind])
                    for kind, output in zip(("features", "logits"), outputs, strict=True)
                    for precision in ("float32", "float64")
                ]
                print(f"| {shape} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
