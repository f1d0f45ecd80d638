"""The zoo's Fréchet distance between Gaussians of 2048 dimensions, timed against others' formulas.

    python benchmarks/frechet_speed.py [--peer-python BENCH_PYTHON]

They take turns, each time in a process of its own, and are given the same covariances in a file, at first of full rank
and then of fewer images than dimensions. Prints seconds (median of the turns), how many times the zoo's they are, and
the most memory that any turn took. Without --peer-python, torch-fidelity's formula runs in this environment instead of
torch-fidelity itself, on NumPy's LAPACK either way.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np

DIMENSION = 2048
RANKS = {"full rank": 5000, "singular": 1000}


def draw(images: int, file: Path) -> None:
    """Writes mean, covariance, mean, covariance of features as Inception's are: non-negative, skewed, correlated."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(DIMENSION, DIMENSION)) / np.sqrt(np.arange(1, DIMENSION + 1) * 8)
    one, other = (np.maximum(random.normal(size=(images, DIMENSION)) @ mixing.T + shift, 0) for shift in (0, 0.02))
    np.savez(file, one.mean(axis=0), np.cov(one.T), other.mean(axis=0), np.cov(other.T))


def zoo() -> Callable[..., float]:
    from zoo_core.evaluation.statistics import frechet_distance

    return frechet_distance


def torch_fidelity() -> Callable[..., float]:
    sys.path.append(str(Path(__file__).with_name("agreement")))
    from torch_fidelity_peer import import_extractor

    import_extractor()  # with it, the package can be imported without torchvision
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    def distance(mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray) -> float:
        statistics = {"mu": mean1, "sigma": cov1}, {"mu": mean2, "sigma": cov2}
        return next(iter(fid_statistics_to_metric(*statistics, verbose=False).values()))

    return distance


def eigenvalues() -> Callable[..., float]:
    """torch-fidelity 0.4.0's formula."""

    def distance(mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray) -> float:
        roots = np.sqrt(np.linalg.eigvals(cov1 @ cov2).astype(complex)).real
        return float(np.sum((mean1 - mean2) ** 2) + np.trace(cov1) + np.trace(cov2) - 2 * roots.sum())

    return distance


def square_root() -> Callable[..., float]:
    """pytorch-fid's formula."""
    from scipy.linalg import sqrtm

    def distance(mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray) -> float:
        return float(np.sum((mean1 - mean2) ** 2) + np.trace(cov1 + cov2 - 2 * sqrtm(cov1 @ cov2).real))

    return distance


METHODS = {"zoo": zoo, "torch-fidelity": torch_fidelity, "eigenvalues": eigenvalues, "square root": square_root}


def turn(method: str, file: Path) -> None:
    """Prints the distance, seconds and peak MiB, as JSON."""
    distance = METHODS[method]()
    with np.load(file) as stored:
        gaussians = tuple(stored.values())
    small = [array[..., :16] if array.ndim == 1 else array[:16, :16] for array in gaussians]
    distance(*small)  # what is loaded on a first call is not timed
    began = time.perf_counter()
    value = distance(*gaussians)
    seconds = time.perf_counter() - began
    print(json.dumps([value, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-python", help="a python with torch and torch-fidelity")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turn", nargs=2, metavar=("METHOD", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.turn:
        turn(arguments.turn[0], Path(arguments.turn[1]))
        return
    peers = {"torch-fidelity": arguments.peer_python} if arguments.peer_python else {"eigenvalues": sys.executable}
    pythons = {"zoo": sys.executable} | peers | {"square root": sys.executable}
    print("| covariances | method | distance | seconds | times the zoo's | peak MiB |\n|---|---|---|---|---|---|")
    for rank, images in RANKS.items():
        results: dict[str, list[tuple[float, float, float]]] = {method: [] for method in pythons}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "gaussians.npz")
            # In a process of its own, since on Linux the peak memory of a process counts for those that it starts
            drawing = get_context("spawn").Process(target=draw, args=(images, file))
            drawing.start()
            drawing.join()
            for _ in range(arguments.rounds):
                for method, python in pythons.items():
                    command = [python, __file__, "--turn", method, str(file)]
                    results[method].append(json.loads(subprocess.check_output(command, text=True)))
        ours = median(seconds for _, seconds, _ in results["zoo"])
        for method, turns in results.items():
            seconds, memory = median(one[1] for one in turns), max(one[2] for one in turns)
            ratio = seconds / ours
            print(f"| {rank} | {method} | {turns[0][0]:.9g} | {seconds:.2f} | {ratio:.2f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
