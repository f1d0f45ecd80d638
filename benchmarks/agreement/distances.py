"""The zoo's FID, KID, precision, recall and Inception Score against torch-fidelity's, of the same features.

    python benchmarks/agreement/distances.py --peer-python BENCH_PYTHON

`BENCH_PYTHON` has what `benchmarks/requirements.txt` names; the zoo need not be there. The features are random: 2048
non-negative, skewed and correlated ones, as those of Inception's last pooling are, and logits that depend on them.
Fails where a number is further off than its limit. Both sides draw the same KID subsets and the same splits.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

GENERATED, REAL, DIMENSION, CLASSES = 3000, 2500, 2048, 1008
LIMITS = {"FID": 1e-5, "KID": 1e-5, "Precision": 1e-5, "Recall": 1e-5, "Inception Score": 1e-3}


def draw() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Generated and real features (N, 2048), and weights that make logits of them (2048, 1008), float32."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(DIMENSION, DIMENSION)) / np.sqrt(np.arange(1, DIMENSION + 1) * 8)
    generated = random.normal(size=(GENERATED, DIMENSION)) @ mixing.T * 1.05 + 0.02
    real = random.normal(size=(REAL, DIMENSION)) @ mixing.T
    weights = random.normal(size=(DIMENSION, CLASSES)) / 8
    return tuple(rows.astype(np.float32) for rows in (np.maximum(generated, 0), np.maximum(real, 0), weights))


def by_the_zoo(generated: np.ndarray, real: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """All through the metrics themselves: each "image" is the bytes of its features."""
    from zoo_core.evaluation.extraction import FeatureStore
    from zoo_core.evaluation.images import ArrayImages
    from zoo_core.evaluation.metric import Evaluand
    from zoo_core.evaluation.metrics import compute
    from zoo_core.evaluation.sample import Sample
    from zoo_core.features import ClassifyingNetwork

    class Given(ClassifyingNetwork):
        name, weights_sha256, runtime, classes = "inception", None, "numpy", ()

        def features(self, images: np.ndarray) -> np.ndarray:
            return images.reshape(len(images), -1).view("<f4")

        def logits(self, features: np.ndarray) -> np.ndarray:
            return features @ weights

    def sample(rows: np.ndarray) -> Sample:
        return Sample(
            ArrayImages("given", rows.view(np.uint8).reshape(len(rows), 1, -1, 1)), Given(), FeatureStore(None)
        )

    evaluand = Evaluand(network=Given(), reference=sample(real), generated=sample(generated))
    scores = compute(["fid", "kid", "prc", "isc"], evaluand)
    names = dict(zip(LIMITS, ("fid", "kid", "precision_inception", "recall_inception", "isc"), strict=True))
    return {name: scores[key].value for name, key in names.items()}


def by_torch_fidelity(generated: np.ndarray, real: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    import torch
    from torch_fidelity_peer import import_extractor

    import_extractor()  # with it, the package can be imported without torchvision
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    one, other = torch.from_numpy(generated), torch.from_numpy(real)
    statistics = [fid_features_to_statistics(features) for features in (one, other)]
    found = (
        fid_statistics_to_metric(*statistics, verbose=False)
        | kid_features_to_metric(one, other, verbose=False)
        | prc_features_to_metric(one, other, verbose=False)
        | isc_features_to_metric(torch.from_numpy(generated @ weights))
    )
    keys = (
        "frechet_inception_distance",
        "kernel_inception_distance_mean",
        "precision",
        "recall",
        "inception_score_mean",
    )
    return {name: float(found[key]) for name, key in zip(LIMITS, keys, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-python", help="a python with torch and torch-fidelity")
    parser.add_argument("--as-peer", nargs=2, type=Path, metavar=("ARRAYS.npz", "RESULT.json"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_peer:
        arrays, result = arguments.as_peer
        with np.load(arrays) as stored:
            result.write_text(json.dumps(by_torch_fidelity(*stored.values())))
        return
    if not arguments.peer_python:
        parser.error("--peer-python is needed: one that has torch and torch-fidelity.")
    given = draw()
    with tempfile.TemporaryDirectory() as folder:
        arrays, result = Path(folder, "arrays.npz"), Path(folder, "result.json")
        np.savez(arrays, *given)
        subprocess.run([arguments.peer_python, __file__, "--as-peer", arrays, result], check=True)
        theirs = json.loads(result.read_text())
    ours = by_the_zoo(*given)
    print("| metric | zoo | torch-fidelity | relative difference | limit |\n|---|---|---|---|---|")
    differences = {name: abs(ours[name] - theirs[name]) / abs(theirs[name]) for name in LIMITS}
    for name, limit in LIMITS.items():
        print(f"| {name} | {ours[name]:.9g} | {theirs[name]:.9g} | {differences[name]:.1e} | {limit:.0e} |")
    if any(differences[name] > limit for name, limit in LIMITS.items()):
        sys.exit("Some are further off than their limit.")


if __name__ == "__main__":
    main()
