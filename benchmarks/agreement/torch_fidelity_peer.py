"""torch-fidelity's Inception, run as a peer: made in an environment of its own, spoken to through files.

    PEER weights IMAGES.npy WEIGHTS.pth [--legacy] [--seed N]
    PEER features WEIGHTS.pth IMAGES.npy RESULT.npz [--precision float64]

`PEER` is `BENCH_PYTHON benchmarks/agreement/torch_fidelity_peer.py`, its environment that of
`benchmarks/requirements.txt`. Nothing of the zoo is imported, so that the two have no line in common.
"""

import argparse
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np
import torch

BATCH = 16


def import_extractor() -> type[torch.nn.Module]:
    """torch-fidelity's Inception. Its package imports torchvision, of which this network uses nothing: stubs do."""
    for name in ("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional"):
        sys.modules.setdefault(name, ModuleType(name))
    for name in ("CIFAR10", "CIFAR100", "STL10"):
        setattr(sys.modules["torchvision.datasets"], name, type(name, (), {}))
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    return FeatureExtractorInceptionV3


def load_extractor(weights: Path, precision: torch.dtype = torch.float32) -> torch.nn.Module:
    """The network with the weights of a file, giving 2048 features and the logits without bias."""
    outputs = ["2048", "logits_unbiased"]
    extractor = import_extractor()("inception", outputs, feature_extractor_weights_path=str(weights))
    extractor.feature_extractor_internal_dtype = precision  # its own option "float64" means float32 in 0.4.0
    return extractor.to(precision)


def random_extractor(images: np.ndarray, seed: int) -> torch.nn.Module:
    """The network with random weights under which features vary between images.

    Each BatchNorm gets the statistics that these images have there, and a random scale and shift, so that activations
    keep their scale through all layers and folding a BatchNorm wrongly shows.
    """
    torch.manual_seed(seed)
    kind = import_extractor()
    with patch.object(kind, "load_state_dict"), patch.object(torch, "load"):
        extractor = kind("inception", ["2048"], feature_extractor_weights_path="none")
    for module in extractor.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
            module.momentum = 1.0  # the statistics of the last batch alone
            module.train()
    extractor(as_tensor(images))
    return extractor.eval()


def as_tensor(images: np.ndarray) -> torch.Tensor:
    """(N, H, W, 1 or 3) uint8 → (N, 3, H, W) uint8."""
    colour = np.repeat(images, 3, axis=3) if images.shape[3] == 1 else images
    return torch.from_numpy(np.ascontiguousarray(colour.transpose(0, 3, 1, 2)))


def features(extractor: torch.nn.Module, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 2048) and logits without bias (N, 1008), float32."""
    with torch.inference_mode():
        batches = [extractor(as_tensor(images[i : i + BATCH])) for i in range(0, len(images), BATCH)]
    return tuple(np.concatenate(outputs) for outputs in zip(*batches, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("weights", help="write random weights whose statistics are those of the images")
    making.add_argument("images", type=Path)
    making.add_argument("weights", type=Path)
    making.add_argument("--legacy", action="store_true", help="in the container that torch wrote before 1.6")
    making.add_argument("--seed", type=int, default=0)
    running = commands.add_parser("features", help="write the features and logits of the images")
    running.add_argument("weights", type=Path)
    running.add_argument("images", type=Path)
    running.add_argument("result", type=Path)
    running.add_argument("--precision", choices=["float32", "float64"], default="float32")
    arguments = parser.parse_args()
    images = np.load(arguments.images)
    if arguments.command == "weights":
        state = random_extractor(images, arguments.seed).state_dict()
        torch.save(state, arguments.weights, _use_new_zipfile_serialization=not arguments.legacy)
    else:
        found, logits = features(load_extractor(arguments.weights, getattr(torch, arguments.precision)), images)
        np.savez(arguments.result, features=found, logits=logits)


if __name__ == "__main__":
    main()
