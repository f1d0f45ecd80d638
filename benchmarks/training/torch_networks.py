"""The networks of the cases in PyTorch, channels last throughout, and Keras' weights for them.

"Same" padding of a 4x4 kernel at stride 2 is one pixel on each side, and one more after an odd side. Vectors and images
pass into each other in Keras' order (H, W, C), which is that of channels-last memory: nothing is copied.
"""

from itertools import pairwise

import numpy as np
import torch
from cases import Case
from torch import Tensor, nn


class ToImages(nn.Module):
    """(N, S·S·C) → (N, C, S, S)."""

    def __init__(self, side: int, channels: int) -> None:
        super().__init__()
        self.shape = (side, side, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x.view(-1, *self.shape).permute(0, 3, 1, 2)


class ToVectors(nn.Module):
    """(N, C, H, W) → (N, H·W·C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class Crop(nn.Module):
    """The middle `side` x `side` pixels."""

    def __init__(self, before: int, side: int) -> None:
        super().__init__()
        self.kept = slice(before, before + side)

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, self.kept, self.kept]


def grow(inputs: int, case: Case, normalize: bool) -> list[nn.Module]:
    """(N, inputs) → (N, C, H, W), unbounded."""
    side, _, channels = case.shape
    base = -(-side >> case.stages)
    filters = [case.width * min(8, 2**i) for i in reversed(range(case.stages))]
    bias = not normalize

    def activation(count: int) -> list[nn.Module]:
        return [*([nn.BatchNorm2d(count, eps=1e-5, momentum=0.1)] if normalize else []), nn.ReLU(inplace=True)]

    layers = [nn.Linear(inputs, base * base * filters[0], bias=bias), ToImages(base, filters[0])]
    layers += activation(filters[0])
    for before, after in pairwise(filters):
        layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=bias), *activation(after)]
    layers.append(nn.ConvTranspose2d(filters[-1], channels, 4, stride=2, padding=1))
    grown = base << case.stages
    return [*layers, Crop((grown - side) // 2, side)] if grown > side else layers


def shrink(case: Case, normalize: bool, slope: float) -> tuple[list[nn.Module], int]:
    """(N, C, H, W) → (N, features), and how many features."""
    side, _, channels = case.shape
    layers: list[nn.Module] = []
    for i in range(case.stages):
        count = case.width * min(8, 2**i)
        layers += [nn.ZeroPad2d((0, 1, 0, 1))] if side % 2 else []
        layers.append(nn.Conv2d(channels, count, 4, stride=2, padding=1, bias=not normalize or i == 0))
        layers += [nn.BatchNorm2d(count, eps=1e-5, momentum=0.1)] if normalize and i > 0 else []
        layers.append(nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True))
        side, channels = -(-side // 2), count
    return [*layers, ToVectors()], side * side * channels


class Encoder(nn.Module):
    """Images → mean and log-variance of the posterior, each (N, latent)."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        layers, features = shrink(case, normalize=False, slope=0.0)
        self.features = nn.Sequential(*layers, nn.Linear(features, 256), nn.ReLU(inplace=True))
        self.mean, self.log_variance = nn.Linear(256, case.latent), nn.Linear(256, case.latent)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(images)
        return self.mean(features), self.log_variance(features)


def build(case: Case, weights: dict[str, list[np.ndarray]], device: torch.device) -> dict[str, nn.Module]:
    """The case's networks, by the names that `weights` has for them."""
    networks: dict[str, nn.Module]
    if case.model == "vae":
        hidden = [nn.Linear(case.latent, 256), nn.ReLU(inplace=True)]
        networks = {"encoder": Encoder(case), "decoder": nn.Sequential(*hidden, *grow(256, case, normalize=False))}
    else:
        judge = "discriminator" if case.model == "dcgan" else "critic"
        layers, features = shrink(case, normalize=case.model == "dcgan", slope=0.2)
        networks = {
            "generator": nn.Sequential(*grow(case.latent, case, normalize=True), nn.Tanh()),
            judge: nn.Sequential(*layers, nn.Linear(features, 1)),
        }
    for name, network in networks.items():
        with torch.no_grad():
            for parameter, array in zip(network.parameters(), weights[name], strict=True):
                # (in, out) → (out, in); (H, W, in, out) → (out, in, H, W), transposed convolutions likewise
                order = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}[array.ndim]
                parameter.copy_(torch.from_numpy(array.transpose(order)))
        network.to(device, memory_format=torch.channels_last).train()
    return networks
